import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { runAttack } from '../../../src/attack/host.js'
import type { AttackResult } from '../../../src/attack/job.js'
import { AttackRegistry } from '../../../src/attack/registry.js'
import { defineAttack, type AttackContext, type AttackPlugin } from '../../../src/attack/types.js'
import type { ModelHandle } from '../../../src/model/handle.js'
import { mlpOf, openModel, predictionsOf, samplesOf } from '../../helpers/networks.js'

const size = 8
const n = 10
const x = samplesOf(n, [size])
/** A corner of the bounds for each sample, far from it. */
const corner = x.map((value) => (value > 0.5 ? 0 : 1))
const rowOf = (array: Float32Array, id: number): Float32Array =>
  array.subarray(id * size, (id + 1) * size)

let model: ModelHandle
beforeAll(async () => {
  model = await openModel(mlpOf([size], 3))
})
afterAll(() => model.close())

const pluginOf = (
  run: (context: AttackContext) => Promise<void>,
  change: Partial<AttackPlugin> = {},
): AttackPlugin =>
  defineAttack({
    id: 'leaves',
    version: 1,
    title: 'leaves',
    source: 'test',
    kind: 'fixed-epsilon',
    needs: ['gradient'],
    norms: ['linf'],
    goals: ['untargeted'],
    restarts: 1,
    params: z.object({}),
    label: () => 'leaves',
    run,
    ...change,
  })

async function attack(plugin: AttackPlugin, epsilon: number, restarts = 1): Promise<AttackResult> {
  return runAttack({
    model,
    plugin,
    spec: new AttackRegistry([plugin]).specify(plugin.id, {}, restarts),
    threat: { norm: 'linf', epsilon, bounds: [0, 1], goal: { kind: 'untargeted' } },
    x,
    labels: await predictionsOf(model, x, n),
    samples: Array.from({ length: n }, (_, i) => i),
    seed: 1,
    batch: 4,
    isCancelled: () => false,
  })
}

const isEven = ({ id }: { readonly id: number }): boolean => id % 2 === 0

describe('samples that leave', () => {
  it('cost no more, and the others are as they were', async () => {
    const seen: number[][] = []
    const plugin = pluginOf(async (context) => {
      await context.gradient({ loss: 'ce' })
      context.leave(isEven)
      expect(context.living).toBe(n / 2)
      await context.gradient({ loss: 'ce' })
      seen.push(context.samples.map(({ id }) => id))
      for (const { id, clean } of context.samples) expect(clean).toEqual(rowOf(x, id))
    })
    const { outcomes } = await attack(plugin, 1e-6, 2)
    expect(seen).toEqual([
      [1, 3, 5, 7, 9],
      [1, 3, 5, 7, 9],
    ])
    outcomes.forEach(({ gradients }, id) => expect(gradients).toBe(isEven({ id }) ? 2 : 4))
  })

  it('have their last points judged', async () => {
    const there = await predictionsOf(model, corner, n)
    const labels = await predictionsOf(model, x, n)
    const plugin = pluginOf(async (context) => {
      for (const { id, point } of context.samples) point.set(rowOf(corner, id))
      context.leave(isEven)
      for (const { point, clean } of context.samples) point.set(clean)
    })
    const { outcomes, xAdv } = await attack(plugin, 1)
    outcomes.forEach(({ success }, id) =>
      expect(success).toBe(isEven({ id }) && there[id] !== labels[id]),
    )
    expect(outcomes.some(({ success }) => success)).toBe(true)
    expect(rowOf(xAdv, 0)).toEqual(rowOf(corner, 0))
  })

  it('come back when the part of an attack that they left is over', async () => {
    const part = pluginOf(
      async (context) => {
        await context.gradient({ loss: 'ce' })
        for (const { point } of context.samples) point[0] = 0.25
        context.leave(isEven)
        expect(context.living).toBe(5)
      },
      { id: 'part', restarts: 2 },
    )
    const plugin = pluginOf(async (context) => {
      context.leave(({ id }) => id === 0)
      await context.run(part)
      expect(context.samples.map(({ id }) => id).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
      await context.gradient({ loss: 'ce' })
      for (const { id, clean, label } of context.samples) {
        expect(clean).toEqual(rowOf(x, id))
        expect(label).toBe((await predictionsOf(model, clean.slice(), 1))[0])
      }
    })
    const { outcomes } = await attack(plugin, 1e-6)
    expect(outcomes.map(({ gradients }) => gradients)).toEqual([0, 3, 3, 3, 3, 3, 3, 3, 3, 3])
  })

  it('may be all of them', async () => {
    const plugin = pluginOf(async (context) => {
      context.leave(() => true)
      await context.gradient({ loss: 'ce' })
      await context.score()
      expect(context.living).toBe(0)
    })
    const { outcomes } = await attack(plugin, 1e-6)
    for (const { gradients } of outcomes) expect(gradients).toBe(0)
  })
})

/** Tries a corner of the bounds, and keeps it or not. */
const keeping = (keep: boolean): AttackPlugin =>
  pluginOf(
    async (context) => {
      for (const { id, point } of context.samples) point.set(rowOf(corner, id))
      await context.gradient({ loss: 'ce', keep: () => keep })
      const fooled = context.samples.filter(({ isFooled }) => isFooled)
      for (const { closest } of fooled) expect(closest).toEqual(keep ? expect.anything() : null)
    },
    { kind: 'minimum-norm' },
  )

const successes = async (keep: boolean): Promise<number> =>
  (await attack(keeping(keep), 1)).outcomes.filter(({ success }) => success).length

it('minimum norm: what the attack does not keep is no example', async () => {
  expect(await successes(true)).toBeGreaterThan(0)
  expect(await successes(false)).toBe(0)
})
