import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cw } from '../../../attacks/evasion/cw.js'
import { ddn } from '../../../attacks/evasion/ddn.js'
import { deepfool } from '../../../attacks/evasion/deepfool.js'
import { ead } from '../../../attacks/evasion/ead.js'
import { fmn } from '../../../attacks/evasion/fmn.js'
import { jsma } from '../../../attacks/evasion/jsma.js'
import { pgd } from '../../../attacks/evasion/pgd.js'
import { sigmaZero } from '../../../attacks/evasion/sigma-zero.js'
import { runAttack } from '../../../src/attack/host.js'
import type { AttackResult } from '../../../src/attack/job.js'
import { AttackRegistry } from '../../../src/attack/registry.js'
import type { AttackPlugin } from '../../../src/attack/types.js'
import type { ModelHandle } from '../../../src/model/handle.js'
import type { Goal, Norm, ThreatModel } from '../../../src/threat/threat-model.js'
import { createRng } from '../../../src/util/rng.js'
import { linearOf, mlpOf, openModel, predictionsOf, samplesOf } from '../../helpers/networks.js'

const size = 30

interface Row {
  readonly plugin: AttackPlugin
  readonly norm: Norm
  readonly params?: Readonly<Record<string, unknown>>
}

async function attack(
  model: ModelHandle,
  { plugin, norm, params = {} }: Row,
  x: Float32Array,
  change: Partial<ThreatModel> = {},
): Promise<AttackResult> {
  const n = x.length / size
  return runAttack({
    model,
    plugin,
    spec: new AttackRegistry([plugin]).specify(plugin.id, params),
    threat: { norm, epsilon: 1e6, bounds: [0, 1], goal: { kind: 'untargeted' }, ...change },
    x,
    labels: await predictionsOf(model, x, n),
    samples: Array.from({ length: n }, (_, i) => i),
    seed: 3,
    batch: 64,
    search: 'closest',
    isCancelled: () => false,
  })
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

const titled = <R extends Row>(rows: readonly R[]) =>
  rows.map((row) => ({ ...row, title: `${row.plugin.id}, ${row.norm}` }))

/**
 * The least perturbation that lifts Σ w·δ by `lack`, where value i may move by `room[i]` the way w[i] pushes it. In L1
 * and L0 the best value for its cost first; in L2 δ = min(λ|w|, room), in L∞ δ = min(λ, room), with λ by bisection.
 */
function leastNorm(norm: Norm, w: readonly number[], room: readonly number[], lack: number) {
  if (norm === 'l1' || norm === 'l0') {
    const worth = (i: number): number => (norm === 'l1' ? w[i]! : w[i]! * room[i]!)
    let [left, total] = [lack, 0]
    for (const i of [...w.keys()].sort((a, b) => worth(b) - worth(a))) {
      if (left <= 0) break
      const move = norm === 'l1' ? Math.min(room[i]!, left / w[i]!) : room[i]!
      left -= w[i]! * move
      total += norm === 'l1' ? move : 1
    }
    return left > 1e-9 ? Infinity : total
  }
  const at = (lambda: number): number[] =>
    w.map((value, i) => Math.min(norm === 'l2' ? lambda * value : lambda, room[i]!))
  let [low, high] = [0, 1000]
  for (let k = 0; k < 60; k++) {
    const middle = (low + high) / 2
    if (at(middle).reduce((sum, d, i) => sum + d * w[i]!, 0) < lack) low = middle
    else high = middle
  }
  return norm === 'l2' ? Math.hypot(...at(high)) : Math.max(...at(high))
}

describe('a linear model, whose closest example is known', () => {
  const rng = createRng('minimum norm')
  const normals = (): number[] => Array.from({ length: size }, () => rng.normal())
  const weights = [normals(), normals()]
  const bias = [0.1, -0.2]
  const n = 24
  const x = samplesOf(n, [size], 5)
  let model: ModelHandle
  beforeAll(async () => {
    model = await openModel(linearOf([size], weights, bias))
  })
  afterAll(() => model.close())

  /** By how much the closest example of each attack may be too far, on average; without bounds FMN in L0 would be exact. */
  const rows: readonly (Row & { readonly within: number })[] = [
    { plugin: deepfool, norm: 'l2', within: 0.02 },
    { plugin: deepfool, norm: 'linf', within: 0.02 },
    { plugin: cw, norm: 'l2', params: { steps: 300 }, within: 0.01 },
    {
      plugin: cw,
      norm: 'linf',
      params: { steps: 150, firstConstant: 0.1, tauFactor: 0.97 },
      within: 0.02,
    },
    { plugin: ddn, norm: 'l2', params: { steps: 300 }, within: 0.001 },
    { plugin: fmn, norm: 'linf', params: { steps: 300 }, within: 0.001 },
    { plugin: fmn, norm: 'l2', params: { steps: 300 }, within: 0.001 },
    { plugin: fmn, norm: 'l1', params: { steps: 300 }, within: 0.001 },
    { plugin: fmn, norm: 'l0', params: { steps: 300 }, within: 0.1 },
    { plugin: ead, norm: 'l1', params: { beta: 0.1 }, within: 0.02 },
    { plugin: jsma, norm: 'l0', params: { gamma: 1, valuesPerStep: 1 }, within: 0 },
    { plugin: sigmaZero, norm: 'l0', params: { steps: 300 }, within: 0 },
  ]
  const goals: readonly Goal[] = [{ kind: 'untargeted' }, { kind: 'targeted', target: 'next' }]
  const cases = titled(rows).flatMap((row) =>
    goals
      .filter(({ kind }) => row.plugin.goals.includes(kind))
      .map((goal) => ({ ...row, goal, kind: goal.kind })),
  )

  it.each(cases)('$title, $kind: as close as within $within', async ({ within, goal, ...row }) => {
    const { outcomes } = await attack(model, row, x, { goal })
    const excess = outcomes.map(({ label, success, distance }, sample) => {
      const away = label === 0 ? 1 : -1
      const push = weights[1]!.map((w, i) => away * (w - weights[0]![i]!))
      const own = x.subarray(sample * size, (sample + 1) * size)
      const lack = -push.reduce((sum, w, i) => sum + w * own[i]!, away * (bias[1]! - bias[0]!))
      const room = push.map((w, i) => (w > 0 ? 1 - own[i]! : own[i]!))
      const least = leastNorm(row.norm, push.map(Math.abs), room, lack)
      if (success) expect(distance).toBeGreaterThan(0.999 * least)
      return success ? distance / least - 1 : Infinity
    })
    const mean = excess.reduce((a, b) => a + b) / n
    expect(mean).toBeLessThanOrEqual(within + 1e-9)
  })
})

describe('a small network', () => {
  const n = 60
  const x = samplesOf(n, [size], 9)
  let model: ModelHandle
  beforeAll(async () => {
    model = await openModel(mlpOf([size], 4, { hidden: 24 }), { mean: [0.5], std: [0.25] })
  })
  afterAll(() => model.close())

  const byPgd = new Map<Norm, number>()
  /** The radius at which PGD fools every other sample. */
  async function medianByPgd(norm: Norm): Promise<number> {
    const known = byPgd.get(norm)
    if (known !== undefined) return known
    let [low, high] = [0, norm === 'linf' ? 1 : 6]
    for (let k = 0; k < 10; k++) {
      const epsilon = (low + high) / 2
      const row: Row = { plugin: pgd, norm, params: { steps: 100, loss: 'margin' } }
      const { outcomes } = await attack(model, row, x, { epsilon })
      if (outcomes.filter(({ success }) => success).length > n / 2) high = epsilon
      else low = epsilon
    }
    byPgd.set(norm, high)
    return high
  }

  const medianBy = async (row: Row): Promise<number> => {
    const { outcomes } = await attack(model, row, x)
    return median(outcomes.map(({ success, distance }) => (success ? distance : Infinity)))
  }

  /** Of PGD's median, at most: DeepFool goes 2 % too far, C&W's τ falls by tenths, and EAD minimises L2 as well. */
  const rows: readonly (Row & { readonly atMost: number })[] = [
    { plugin: deepfool, norm: 'l2', atMost: 1.06 },
    { plugin: deepfool, norm: 'linf', atMost: 1.06 },
    { plugin: cw, norm: 'l2', params: { steps: 300 }, atMost: 1 },
    { plugin: cw, norm: 'linf', params: { steps: 150, firstConstant: 0.1 }, atMost: 1.1 },
    { plugin: ddn, norm: 'l2', atMost: 1 },
    { plugin: fmn, norm: 'linf', params: { steps: 100 }, atMost: 1.01 },
    { plugin: fmn, norm: 'linf', params: { steps: 100, loss: 'ce' }, atMost: 1.07 },
    { plugin: fmn, norm: 'l2', params: { steps: 100 }, atMost: 1 },
    { plugin: fmn, norm: 'l1', params: { steps: 100 }, atMost: 1 },
    { plugin: ead, norm: 'l1', params: { steps: 300 }, atMost: 1.03 },
  ]
  it.each(titled(rows))('$title: the median is at most $atMost times that of PGD', async (row) => {
    expect(await medianBy(row)).toBeLessThanOrEqual(row.atMost * (await medianByPgd(row.norm)))
  })

  it('σ-zero changes no more values than JSMA or FMN', async () => {
    const found = await medianBy({ plugin: sigmaZero, norm: 'l0', params: { steps: 300 } })
    const others: readonly Row[] = [
      { plugin: jsma, norm: 'l0', params: { valuesPerStep: 1, gamma: 1 } },
      { plugin: fmn, norm: 'l0', params: { steps: 300 } },
    ]
    for (const row of others) expect(found).toBeLessThanOrEqual(await medianBy(row))
  })

  it.each(['up', 'down'] as const)(
    'JSMA moves values %s only, and so many at most',
    async (way) => {
      const row: Row = {
        plugin: jsma,
        norm: 'l0',
        params: { direction: way, theta: 0.3, gamma: 0.3 },
      }
      const { outcomes, xAdv } = await attack(model, row, x)
      const sign = way === 'up' ? 1 : -1
      xAdv.forEach((value, i) => expect(sign * (value - x[i]!)).toBeGreaterThanOrEqual(0))
      for (const { distance } of outcomes) expect(distance).toBeLessThanOrEqual(0.3 * size)
      expect(outcomes.some(({ success }) => success)).toBe(true)
    },
  )

  it.each([
    { plugin: cw, norm: 'l2', params: { steps: 100 } },
    { plugin: cw, norm: 'linf', params: { steps: 50, firstConstant: 0.1 } },
    { plugin: ead, norm: 'l1', params: { steps: 100 } },
  ] as const)('$plugin.id, $norm: examples are as confident as asked', async (row) => {
    const confidence = 0.5
    const params = { ...row.params, confidence }
    const { outcomes, xAdv } = await attack(model, { ...row, params }, x)
    const scores = await model.scores(xAdv, n, n)
    const found = outcomes.map(({ label, success, adversarialPrediction }, i) => {
      const of = (k: number): number => scores[i * model.classes + k]!
      return success ? of(adversarialPrediction) - of(label) : NaN
    })
    expect(found.filter((gap) => gap < confidence - 1e-4)).toEqual([])
    expect(found.filter((gap) => gap >= confidence - 1e-4).length).toBeGreaterThan(n / 2)
  })
})
