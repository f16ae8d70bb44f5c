import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deepfool } from '../../../attacks/evasion/deepfool.js'
import { pgd } from '../../../attacks/evasion/pgd.js'
import { builtInAttacks } from '../../../attacks/index.js'
import { defineAttack } from '../../../src/attack/types.js'
import { z } from 'zod'
import type { ModelHandle } from '../../../src/model/handle.js'
import { Constraints } from '../../../src/threat/constraints.js'
import type { Features, Norm, ThreatModel } from '../../../src/threat/threat-model.js'
import { createRng } from '../../../src/util/rng.js'
import { attack, linearProblem, successes } from '../../helpers/attacks.js'
import { linearOf, mlpOf, openModel, predictionsOf, samplesOf } from '../../helpers/networks.js'

const untargeted = { kind: 'untargeted' } as const
const [size, classes, count] = [12, 3, 30]

/** What makes an attack quick enough. */
const quick: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'apgd-ce': { steps: 6 },
  'apgd-dlr': { steps: 6 },
  'apgd-t': { steps: 4, targets: 2 },
  autoattack: { steps: 3, queries: 20 },
  cw: { steps: 6, runs: 2 },
  ddn: { steps: 10 },
  ead: { steps: 8, runs: 2 },
  fab: { steps: 4 },
  'fab-t': { steps: 4, targets: 2 },
  fmn: { steps: 10 },
  'pgd-l0': { steps: 10 },
  'sigma-zero': { steps: 10 },
  boundary: { queries: 60 },
  hopskipjump: { queries: 60, initialProbes: 8 },
  nes: { steps: 4, pairs: 3 },
  'one-pixel': { population: 6, generations: 3 },
  patch: { steps: 5 },
  pgd: { steps: 6 },
  'sign-flip': { queries: 60 },
  simba: { queries: 15 },
  spsa: { steps: 4, pairs: 3 },
  square: { queries: 15 },
  universal: { steps: 6 },
}

/** Values 0 to 11: 0 and 1 fixed, 2 and 3 scaled, 4 and 5 bounded, 6 and 7 whole, 8 to 11 two groups. */
const scaled: Features = {
  scale: [0, 0, 0.25, 3, 1, 1, 1, 1, 1, 1, 1, 1],
  lower: [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
  upper: [4, 4, 4, 4, 3, 2, 4, 4, 1, 1, 1, 1],
  integers: [6, 7],
  oneHot: [
    [8, 9],
    [10, 11],
  ],
}
const counted: Features = {
  ...scaled,
  scale: scaled.scale!.map((factor) => Math.min(1, Math.ceil(factor))),
}
const table = { bounds: [0, 4], goal: untargeted } as const

/** Rows that hold to the features. */
function rowsOf(n: number): Float32Array {
  const rng = createRng('rows')
  return Float32Array.from(
    Array.from({ length: n }, () => {
      const row = Array.from({ length: 6 }, () => 4 * rng.uniform())
      row[4] = 1 + 2 * rng.uniform()
      row[5] = 2 * rng.uniform()
      const [a, b] = [rng.below(2), rng.below(2)]
      return [...row, rng.below(5), rng.below(5), a, 1 - a, b, 1 - b]
    }).flat(),
  )
}

const row = (array: Float32Array, i: number): Float32Array =>
  array.subarray(i * size, (i + 1) * size)

const usersOf = (norm: Norm): (readonly [string, (typeof builtInAttacks)[number]])[] =>
  builtInAttacks.filter(({ norms }) => norms.includes(norm)).map((plugin) => [plugin.id, plugin])

/** Checked by hand, not by what is tested. */
function holds(threat: ThreatModel, point: Float32Array, clean: Float32Array): void {
  const { features, epsilon, norm } = threat
  const { scale, lower, upper, integers, oneHot } = features!
  let changed = 0
  for (let i = 0; i < 8; i++) {
    const d = Math.abs(point[i]! - clean[i]!)
    if (d === 0) continue
    changed++
    expect(scale![i]).toBeGreaterThan(0)
    if (norm === 'linf') expect(d).toBeLessThanOrEqual(epsilon * scale![i]!)
    expect(point[i]).toBeGreaterThanOrEqual(lower![i]!)
    expect(point[i]).toBeLessThanOrEqual(upper![i]!)
  }
  for (const i of integers!) expect(Number.isInteger(point[i])).toBe(true)
  for (const group of oneHot!) {
    expect(group.map((i) => point[i]!).sort()).toEqual([0, 1])
    if (group.some((i) => point[i] !== clean[i])) changed++
  }
  if (norm === 'l0') expect(changed).toBeLessThanOrEqual(epsilon)
}

function levels(n: number): Float32Array {
  const rng = createRng('levels', n)
  return Float32Array.from({ length: n }, () => rng.below(256) / 255)
}

describe('features hold for every attack', () => {
  let model: ModelHandle
  const x = rowsOf(count)
  beforeAll(async () => {
    model = await openModel(mlpOf([size], classes), {
      mean: Array.from({ length: size }, () => 1),
    })
  })
  afterAll(() => model.close())

  const cases = [
    ...usersOf('linf').map(([id, plugin]) => ['linf', id, plugin, scaled, 1.2] as const),
    ...usersOf('l0').map(([id, plugin]) => ['l0', id, plugin, counted, 3] as const),
  ]
  it.each(cases)('%s, %s', async (norm, id, plugin, features, epsilon) => {
    const threat: ThreatModel = { norm, epsilon, features, ...table }
    const params = quick[id] ?? {}
    const result = await attack(model, plugin, threat, x, { params })
    const own = await predictionsOf(model, result.xAdv, count)
    const constraints = new Constraints(threat, size)
    result.outcomes.forEach((outcome, i) => {
      const [point, clean] = [row(result.xAdv, i), row(x, i)]
      expect(outcome.adversarialPrediction).toBe(own[i])
      expect(outcome.distance).toBe(constraints.distance(point, clean))
      for (const fixed of [0, 1]) expect(point[fixed]).toBe(clean[fixed])
      for (const i of features.integers!) expect(Number.isInteger(point[i])).toBe(true)
      if (outcome.success || plugin.kind !== 'minimum-norm') holds(threat, point, clean)
      if (outcome.success) expect(own[i]).not.toBe(outcome.label)
    })
    // Three classes are too few for one loss, which says so.
    expect(result.notes.filter((note) => !note.includes('needs 4 classes'))).toEqual([])
    for (const batch of [1, 7])
      expect(await attack(model, plugin, threat, x, { params, batch })).toEqual(result)
    if (['pgd', 'mi-fgsm', 'nes', 'spsa', 'square', 'deepfool', 'corners'].includes(id))
      expect(successes(result)).toBeGreaterThan(0)
  })

  it('averaged steps of a random model hold to them as well', async () => {
    const threat: ThreatModel = { norm: 'linf', epsilon: 1.2, features: scaled, ...table }
    const result = await attack(model, pgd, threat, x, { params: { steps: 6 }, eot: 2 })
    result.outcomes.forEach((_, i) => holds(threat, row(result.xAdv, i), row(x, i)))
    expect(successes(result)).toBeGreaterThan(0)
  })

  it('says when clean values are off the grid', async () => {
    const off = x.map((value, i) => (i % size === 6 ? value * 0.9 + 0.15 : value))
    const threat: ThreatModel = { norm: 'linf', epsilon: 1.2, features: scaled, ...table }
    const { notes } = await attack(model, pgd, threat, off, { params: { steps: 2 } })
    expect(notes).toEqual([
      'some clean values are none that examples may have: unchanged, they stay',
    ])
  })
})

describe('PGD on a linear model with scales', () => {
  it.each([
    [0.999, 1],
    [1.001, 1],
    [0.999, 2],
    [1.001, 2],
  ])('%d times the least epsilon decides, averaged over %d', async (factor, eot) => {
    const problem = linearProblem(size)
    const model = await openModel(problem.graph)
    const x = samplesOf(6, [size], 1)
    const scale = Array.from({ length: size }, (_, i) => (i % 4 === 0 ? 0 : 0.5 + i / 4))
    const dual = problem.w.reduce((sum, value, i) => sum + scale[i]! * Math.abs(value), 0)
    for (let i = 0; i < 6; i++) {
      const own = row(x, i)
      const margin = problem.w.reduce((sum, value, k) => sum + value * own[k]!, problem.offset)
      const threat: ThreatModel = {
        norm: 'linf',
        epsilon: (factor * Math.abs(margin)) / dual,
        bounds: [-100, 100],
        goal: untargeted,
        features: { scale },
      }
      const result = await attack(model, pgd, threat, own, { eot })
      expect(successes(result)).toBe(factor > 1 ? 1 : 0)
      for (let k = 0; k < size; k += 4) expect(result.xAdv[k]).toBe(own[k])
    }
    await model.close()
  })

  it('a single value is a table as well', async () => {
    const model = await openModel(linearOf([1], [[1], [-1]], [0, 0.5]))
    const threat: ThreatModel = { norm: 'linf', epsilon: 0.5, ...table, features: { scale: [2] } }
    const result = await attack(model, pgd, threat, Float32Array.of(1))
    expect(successes(result)).toBe(1)
    await model.close()
  })
})

describe('quantize', () => {
  it.each(
    (['linf', 'l2', 'l1', 'l0', 'severity'] as const).flatMap((norm) =>
      usersOf(norm).map(([id, plugin]) => [norm, id, plugin] as const),
    ),
  )('%s, %s: examples are 8-bit pixels', async (norm, id, plugin) => {
    const shape = [1, 3, 4]
    const model = await openModel(mlpOf(shape, classes), { mean: [0.5], std: [0.25] })
    const x = levels(count * size)
    const epsilon = { linf: 24 / 255, l2: 0.4, l1: 1, l0: 3, severity: 3 }[norm]
    const threat: ThreatModel = { norm, epsilon, bounds: [0, 1], goal: untargeted, quantize: 8 }
    const result = await attack(model, plugin, threat, x, { params: quick[id] ?? {} })
    for (const value of result.xAdv) expect(Math.fround(Math.round(value * 255) / 255)).toBe(value)
    const own = await predictionsOf(model, result.xAdv, count)
    result.outcomes.forEach((outcome, i) => {
      expect(outcome.adversarialPrediction).toBe(own[i])
      if (outcome.success || plugin.kind !== 'minimum-norm')
        expect(outcome.distance).toBeLessThanOrEqual(epsilon)
    })
    if (['pgd', 'nes', 'spsa', 'square', 'deepfool'].includes(id) && norm !== 'l1')
      expect(successes(result)).toBeGreaterThan(0)
    await model.close()
  })

  it('counts a success only if the rounded example fools', async () => {
    // Class 1 from 0.5 + 0.3 levels on: less than half a level from the clean sample.
    const border = (127 + 0.3) / 255
    const model = await openModel(linearOf([1], [[0], [1000]], [0, -1000 * border]))
    const x = Float32Array.of(127 / 255)
    const threat = { norm: 'linf', bounds: [0, 1], goal: untargeted } as const
    for (const [epsilon, quantize, expected] of [
      [0.4 / 255, undefined, 1],
      [0.4 / 255, 8, 0],
      [1 / 255, 8, 1],
    ] as const) {
      const own = quantize === undefined ? threat : { ...threat, quantize }
      const result = await attack(model, pgd, { ...own, epsilon }, x)
      expect(successes(result)).toBe(expected)
      if (quantize) expect(result.outcomes[0]!.distance).toBe(expected / 255)
    }
    await model.close()
  })
})

it('an attack of minimum norm goes on until the rounded example fools', async () => {
  const border = (127 + 0.3) / 255
  const model = await openModel(linearOf([1], [[0], [1000]], [0, -1000 * border]))
  const threat = { norm: 'l2', epsilon: 1.01 / 255, bounds: [0, 1], goal: untargeted } as const
  const x = Float32Array.of(127 / 255)
  for (const search of ['fallen', 'closest'] as const) {
    const result = await attack(model, deepfool, { ...threat, quantize: 8 }, x, { search })
    expect(successes(result)).toBe(1)
    expect(result.xAdv).toEqual(Float32Array.of(128 / 255))
  }
  await model.close()
})

it('a plugin cannot loosen what it is judged by', async () => {
  const model = await openModel(mlpOf([size], classes))
  const greedy = defineAttack({
    ...pgd,
    params: z.object({}),
    label: () => 'greedy',
    async run(context) {
      expect(() => {
        ;(context.threat.features!.scale as number[])[0] = 5
      }).toThrow(TypeError)
      context.scale.fill(100)
      context.lower.fill(-100)
      for (const { point } of context.samples) point.fill(4)
      await context.score()
    },
  })
  const x = rowsOf(4)
  const threat: ThreatModel = { norm: 'linf', epsilon: 1, features: scaled, ...table }
  const { xAdv } = await attack(model, greedy, threat, x)
  for (let i = 0; i < 4; i++) expect(row(xAdv, i)[0]).toBe(row(x, i)[0])
  await model.close()
})
