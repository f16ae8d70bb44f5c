import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makePlan, type PlanInput } from '../../../src/plan/plan.js'

const base: PlanInput = {
  models: [{ version: 'v1', path: '/models/v1.onnx', digest: 'aa', mean: [0.5], std: [0.2] }],
  checks: [
    {
      attack: { attack: 'pgd', version: 1, params: { steps: 40 }, restarts: 1, label: 'PGD-40' },
      threat: { norm: 'linf', epsilon: 8 / 255, bounds: [0, 1], goal: { kind: 'untargeted' } },
    },
  ],
  dataset: { path: 'x.npz', digest: 'dd' },
  samples: 200,
  seed: 1,
  devices: ['cpu'],
  batch: 64,
  keepExamples: 4,
}
const keys = (input: PlanInput): string[] =>
  makePlan(input).cells.flatMap((cell) => cell.tasks.map((task) => task.key))
const [model] = base.models
const [check] = base.checks

describe('task keys', () => {
  it.each<[string, Partial<PlanInput>]>([
    ['the name of the version', { models: [{ ...model!, version: 'other' }] }],
    ['the path of the model', { models: [{ ...model!, path: '/elsewhere.onnx' }] }],
    ['the path of the data', { dataset: { path: 'copy.npz', digest: 'dd' } }],
    ['the batch, up to the size of a shard', { batch: 16 }],
    ['what is kept for pictures', { keepExamples: 'all' }],
    ['the order of the devices', { devices: ['cpu'] }],
  ])('do not depend on %s', (_what, change) => {
    expect(keys({ ...base, ...change })).toEqual(keys(base))
  })

  it.each<[string, Partial<PlanInput>]>([
    ['the bytes of the model', { models: [{ ...model!, digest: 'ab' }] }],
    ['its mean', { models: [{ ...model!, mean: [0.4] }] }],
    ['its layout', { models: [{ ...model!, layout: 'nhwc' }] }],
    ['its output', { models: [{ ...model!, output: 'logits' }] }],
    ['the data', { dataset: { path: 'x.npz', digest: 'de' } }],
    ['the seed', { seed: 2 }],
    ['the devices', { devices: ['cpu', 'cuda'] }],
    ['epsilon', { checks: [{ ...check!, threat: { ...check!.threat, epsilon: 4 / 255 } }] }],
    ['the norm', { checks: [{ ...check!, threat: { ...check!.threat, norm: 'l2' } }] }],
    [
      'the goal',
      {
        checks: [
          { ...check!, threat: { ...check!.threat, goal: { kind: 'targeted', target: 1 } } },
        ],
      },
    ],
    [
      'a parameter',
      { checks: [{ ...check!, attack: { ...check!.attack, params: { steps: 41 } } }] },
    ],
    ['the restarts', { checks: [{ ...check!, attack: { ...check!.attack, restarts: 2 } }] }],
    [
      'the version of the attack',
      { checks: [{ ...check!, attack: { ...check!.attack, version: 2 } }] },
    ],
  ])('depend on %s', (_what, change) => {
    const before = new Set(keys(base))
    expect(keys({ ...base, ...change }).filter((key) => before.has(key))).toEqual([])
  })

  it('make the digest of the plan', () => {
    expect(makePlan(base).digest).toBe(makePlan({ ...base, batch: 32 }).digest)
    expect(makePlan(base).digest).not.toBe(makePlan({ ...base, seed: 2 }).digest)
  })
})

describe('shards', () => {
  it('cover every sample once, in order, in nearly equal parts', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 9 }),
        (samples, batch, multipleOf) => {
          const { tasks } = makePlan({ ...base, samples, batch, multipleOf }).cells[0]!
          expect(tasks[0]!.from).toBe(0)
          expect(tasks.at(-1)!.to).toBe(samples)
          tasks.slice(1).forEach((task, i) => expect(task.from).toBe(tasks[i]!.to))
          const sizes = tasks.map((task) => task.to - task.from)
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
          expect(Math.max(...sizes)).toBeLessThanOrEqual(Math.max(64, batch))
          if (samples >= 8 * multipleOf * Math.ceil(samples / 64) && batch <= 64)
            expect(tasks.length % multipleOf).toBe(0)
        },
      ),
    )
  })

  it('are one where the attack needs all samples together', () => {
    const checks = [{ ...check!, isUndivided: true }, check!]
    const [whole, parts] = makePlan({ ...base, checks, samples: 500, multipleOf: 3 }).cells
    expect(whole!.tasks.map(({ from, to }) => [from, to])).toEqual([[0, 500]])
    expect(parts!.tasks.length).toBeGreaterThan(3)
    expect(Object.keys(whole!.tasks[0]!)).not.toContain('isUndivided')
  })

  it('of equal cells have names of their own', () => {
    const { cells } = makePlan({ ...base, checks: [check!, check!] })
    expect(cells.map(({ id }) => id)).toEqual([
      'v1 / PGD-40 / linf 8/255',
      'v1 / PGD-40 / linf 8/255 #2',
    ])
  })
})
