import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { scaffoldKinds, scaffolds, type ScaffoldKind } from '../../../src/cli/scaffold/kinds.js'
import { describeAttack } from '../../conformance/attack.js'
import corners from '../../examples/corners.js'
import arrays from '../../examples/heavy-ball-arrays.js'
import fused from '../../examples/heavy-ball.js'
import scores from '../../examples/one-value.js'

const examples: Readonly<Record<ScaffoldKind, string>> = {
  'gradient-arrays': 'heavy-ball-arrays',
  fused: 'heavy-ball',
  scores: 'one-value',
}

describe('what gauntlet plugins new writes', () => {
  // The examples are type-checked as the tests are, and formatted.
  it.each(scaffoldKinds)('%s is the example', (kind) => {
    const name = examples[kind]
    const file = readFileSync(join(import.meta.dirname, `../../examples/${name}.ts`), 'utf8')
    expect(scaffolds[kind](name)).toBe(file)
  })
})

describeAttack({ plugin: fused, isRandom: true })
describeAttack({ plugin: arrays, isRandom: true })
describeAttack({ plugin: scores, isRandom: true })
describeAttack({ plugin: corners, isRandom: true })

describe('the fused rule and the plain arrays', () => {
  it('are one attack: they fool the same samples of a small network', async () => {
    const { kitOf } = await import('../../../src/plugin-kit/index.js')
    for (const norm of ['linf', 'l2'] as const) {
      const fallen = await Promise.all(
        [fused, arrays].map(async (plugin) => {
          // One stream of random numbers for both: it is named after the attack.
          const kit = kitOf({ ...plugin, id: 'heavy-ball' } as typeof plugin)
          const { outcomes } = await kit.attack({ norm, epsilon: norm === 'linf' ? 0.1 : 0.35 })
          await kit.close()
          return outcomes.map(({ success, queries }) => (success ? queries : 0))
        }),
      )
      const same = fallen[0]!.filter((queries, i) => queries > 0 === fallen[1]![i]! > 0).length
      expect(same).toBeGreaterThanOrEqual(39)
      expect(fallen[0]!.some((queries) => queries > 0)).toBe(true)
    }
  })
})
