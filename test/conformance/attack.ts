import { afterAll, describe, expect, it } from 'vitest'
import type { AttackPlugin } from '../../src/attack/types.js'
import { kitOf } from '../../src/plugin-kit/kit.js'
import type { KitOptions } from '../../src/plugin-kit/trial.js'

export interface AttackCase extends KitOptions {
  readonly plugin: AttackPlugin
  /** Two seeds may give two results. */
  readonly isRandom: boolean
}

/** The plugin kit's checks, each a test. */
export function describeAttack({ plugin, ...options }: AttackCase): void {
  const kit = kitOf(plugin, options)
  afterAll(() => kit.close())
  for (const where of new Set(kit.checks.map((check) => check.where)))
    describe(where === '' ? plugin.id : `${plugin.id}, ${where}`, () => {
      for (const check of kit.checks.filter((one) => one.where === where))
        it(check.name, async () => expect(await check.find()).toBeNull())
    })
}
