import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../../src/graph/builder.js'
import { tensorOfFloats } from '../../../src/graph/tensor.js'
import { prepareModel } from '../../../src/model/prepare.js'
import { compileGradient, compileStep } from '../../../src/step/compile.js'
import { lossNames, losses, normaliseSeed, type LossName } from '../../../src/step/losses.js'
import { createRng } from '../../../src/util/rng.js'
import { graphOf, nodeOf } from '../../helpers/graphs.js'
import { classesFeed, floatsFeed, linearOf, runGraph } from '../../helpers/networks.js'

interface Case {
  readonly loss: LossName
  readonly targeted: boolean
}

interface Point {
  /** (N, K) */
  readonly logits: readonly (readonly number[])[]
  readonly labels: readonly number[]
  readonly targets: readonly number[]
}

interface Answer {
  readonly loss: readonly number[]
  readonly gradient: readonly (readonly number[])[]
  readonly normalised: readonly (readonly number[])[]
}

/** The loss as a graph of its own, on given logits. */
async function compiled({ loss, targeted }: Case, point: Point): Promise<Answer> {
  const [n, classes] = [point.logits.length, point.logits[0]!.length]
  const base = {
    ...graphOf({ inputs: { z: [n, classes] }, nodes: [] }),
    inputs: [
      { name: 'z', dtype: 'float32' as const, dims: [n, classes] },
      { name: 'labels', dtype: 'int64' as const, dims: [n] },
      ...(targeted ? [{ name: 'targets', dtype: 'int64' as const, dims: [n] }] : []),
    ],
  }
  const g = new GraphBuilder(base)
  const built = losses[loss].build({
    g,
    logits: 'z',
    dtype: 'float32',
    classes,
    labels: 'labels',
    targets: targeted ? 'targets' : null,
  })
  const unit = normaliseSeed(g, built, 'float32', 1)
  const names = [built.loss, built.dLogits, unit]
  const outputs = names.map((name) => ({ name, dtype: 'float32' as const, dims: null }))
  const results = await runGraph(g.finish(base.inputs, outputs), {
    z: floatsFeed([n, classes], Float32Array.from(point.logits.flat())),
    labels: classesFeed(point.labels),
    ...(targeted ? { targets: classesFeed(point.targets) } : {}),
  })
  const [value, gradient, normalised] = names.map((name) =>
    Array.from(results[name]!.data as Float32Array),
  )
  const rows = (flat: readonly number[]): number[][] =>
    Array.from({ length: n }, (_, i) => flat.slice(i * classes, (i + 1) * classes))
  return { loss: value!, gradient: rows(gradient!), normalised: rows(normalised!) }
}

/** The definitions, in float64. */
function reference({ loss, targeted }: Case, z: readonly number[], y: number, t: number): number {
  const most = Math.max(...z)
  const crossEntropy = (c: number): number =>
    Math.log(z.reduce((sum, value) => sum + Math.exp(value - most), 0)) + most - z[c]!
  const rival = (c: number): number => Math.max(...z.filter((_, k) => k !== c))
  const sorted = z.toSorted((a, b) => b - a)
  switch (loss) {
    case 'ce':
      return targeted ? -crossEntropy(t) : crossEntropy(y)
    case 'margin':
      return targeted ? z[t]! - rival(t) : rival(y) - z[y]!
    case 'difference':
      return z[t]! - z[y]!
    case 'dlr':
      return targeted
        ? -(z[y]! - z[t]!) / (sorted[0]! - (sorted[2]! + sorted[3]!) / 2)
        : -(z[y]! - rival(y)) / (sorted[0]! - sorted[2]!)
  }
}

/** Central difference of the reference. */
function slope(
  one: Case,
  z: readonly number[],
  y: number,
  t: number,
  at: readonly number[],
): number[] {
  const h = 1e-5
  return at.map((k) => {
    const moved = (by: number): number =>
      reference(
        one,
        z.map((value, j) => (j === k ? value + by : value)),
        y,
        t,
      )
    return (moved(h) - moved(-h)) / (2 * h)
  })
}

const cases: Case[] = [
  ...lossNames.flatMap((loss) => [false, true].map((targeted) => ({ loss, targeted }))),
  { loss: 'difference', targeted: true },
]

function randomPoint(n: number, classes: number, scale: number, seed: number): Point {
  const rng = createRng('logits', n, classes, seed)
  const labels = Array.from({ length: n }, () => rng.below(classes))
  return {
    logits: labels.map(() =>
      Array.from({ length: classes }, () => Math.fround(scale * rng.normal())),
    ),
    labels,
    targets: labels.map((label) => (label + 1 + rng.below(classes - 1)) % classes),
  }
}

describe.each(cases)('$loss, targeted: $targeted', (one) => {
  const least = losses[one.loss].leastClasses[one.targeted ? 1 : 0] ?? 2

  it.each([2, 3, 4, 5, 10, 1000].filter((classes) => classes >= least))(
    'value and gradient with %i classes',
    async (classes) => {
      for (const scale of [0.1, 3, 30]) {
        const point = randomPoint(6, classes, scale, 1)
        const { loss, gradient } = await compiled(one, point)
        point.logits.forEach((z, i) => {
          const [y, t] = [point.labels[i]!, point.targets[i]!]
          const wanted = reference(one, z, y, t)
          expect(Math.abs(loss[i]! - wanted)).toBeLessThan(2e-5 * Math.max(1, Math.abs(wanted)))
          // Of many classes, those that matter and a few.
          const order = z.map((_, k) => k).sort((a, b) => z[b]! - z[a]!)
          const some = [...new Set([y, t, ...order.slice(0, 5), ...z.keys()])].slice(0, 12)
          const slopes = slope(one, z, y, t, some)
          const size = Math.max(...slopes.map(Math.abs), 1e-3)
          some.forEach((k, at) => {
            const error = Math.abs(gradient[i]![k]! - slopes[at]!) / size
            expect(error, `row ${i}, class ${k}`).toBeLessThan(1e-3)
          })
        })
      }
    },
  )

  it('agrees at any logits', async () => {
    const classes = Math.max(least, 4)
    // Far enough apart that no order changes under the difference.
    const row = fc
      .uniqueArray(fc.integer({ min: -40, max: 40 }), { minLength: classes, maxLength: classes })
      .map((values) => values.map((value) => value / 2))
    const label = fc.integer({ min: 0, max: classes - 1 })
    await fc.assert(
      fc.asyncProperty(row, label, fc.integer({ min: 1, max: classes - 1 }), async (z, y, by) => {
        const t = (y + by) % classes
        const { loss, gradient } = await compiled(one, { logits: [z], labels: [y], targets: [t] })
        const wanted = reference(one, z, y, t)
        expect(Math.abs(loss[0]! - wanted)).toBeLessThan(1e-4 * Math.max(1, Math.abs(wanted)))
        const slopes = slope(one, z, y, t, [...z.keys()])
        gradient[0]!.forEach((value, k) => expect(value).toBeCloseTo(slopes[k]!, 3))
      }),
      { numRuns: 25 },
    )
  })

  it('is finite and points somewhere when the network is certain', async () => {
    const classes = Math.max(least, 4)
    for (const gap of [20, 200, 2000, 1e6])
      for (const y of [0, classes - 1]) {
        const z = Array.from({ length: classes }, (_, k) => (k === y ? gap : -k))
        const t = (y + 1) % classes
        const { loss, normalised } = await compiled(one, { logits: [z], labels: [y], targets: [t] })
        const expected = reference(one, z, y, t)
        expect(Math.abs(loss[0]! - expected)).toBeLessThan(1e-5 * Math.max(1, Math.abs(expected)))
        const [unit] = normalised
        expect(unit!.every(Number.isFinite)).toBe(true)
        expect(Math.max(...unit!.map(Math.abs))).toBeCloseTo(1, 6)
        // Upwards: away from the label, or to the target.
        if (one.targeted) expect(unit![t]).toBeGreaterThan(0)
        else expect(unit![y]).toBeLessThan(0)
      }
  })

  it('chooses one direction on ties', async () => {
    const classes = Math.max(least, 4)
    const z = Array.from({ length: classes }, () => 1.5)
    const { loss, normalised } = await compiled(one, { logits: [z], labels: [1], targets: [2] })
    expect(loss.every(Number.isFinite)).toBe(true)
    expect(normalised[0]!.every(Number.isFinite)).toBe(true)
    expect(Math.max(...normalised[0]!.map(Math.abs))).toBeCloseTo(1, 6)
  })

  it('of one sample does not depend on its row', async () => {
    for (const classes of [least, 5, 7, 10].filter((count) => count >= least)) {
      const point = randomPoint(9, classes, 3, 2)
      const same = {
        logits: point.logits.map(() => point.logits[0]!),
        labels: point.labels.map(() => point.labels[0]!),
        targets: point.targets.map(() => point.targets[0]!),
      }
      const { loss, gradient } = await compiled(one, same)
      expect(new Set(loss).size).toBe(1)
      expect(new Set(gradient.map((row) => row.join())).size).toBe(1)
    }
  })
})

it('cross-entropy of a certain network keeps its direction', async () => {
  const one = { loss: 'ce', targeted: false } as const
  for (const gap of [0.5, 5, 50, 500, 5e6]) {
    const point = { logits: [[gap, 0, -1]], labels: [0], targets: [1] }
    const [unit] = (await compiled(one, point)).normalised
    const share = 1 / (1 + Math.exp(-1))
    for (const [k, value] of [-1, share, 1 - share].entries())
      expect(unit![k]).toBeCloseTo(value, 6)
  }
})

it.each([
  ['dlr', false, 2, 3],
  ['dlr', true, 3, 4],
] as const)(
  '%s, targeted: %s, refuses %i classes in one line',
  async (loss, targeted, classes, least) => {
    const weights = Array.from({ length: classes }, (_, k) => [k, 1, -k])
    const model = await prepareModel(
      linearOf(
        [3],
        weights,
        weights.map(() => 0),
      ),
    )
    const compile = (): unknown => compileGradient(model, { loss, targeted })
    expect(compile).toThrow(
      `the ${loss} loss needs at least ${least} classes: got ${classes} classes`,
    )
    expect(compile).toThrow(expect.objectContaining({ code: 'GNT_ATTACK_NEEDS', exitCode: 2 }))
  },
)

const number = (value: number) => floatsFeed([], Float32Array.of(value))

it('a step moves though the network is certain', async () => {
  // One matrix with logits gap·x and 0: at x = 1 the difference is the gap.
  for (const gap of [20, 60, 100, 200, 1e5]) {
    const graph = graphOf({
      inputs: { x: ['N', 2] },
      initializers: { w: tensorOfFloats([2, 2], [gap, 0, 0, 0]) },
      nodes: [nodeOf('MatMul', ['x', 'w'], ['y'])],
    })
    const model = await prepareModel(graph)
    const x = floatsFeed([1, 2], Float32Array.of(1, 0.5))
    for (const loss of ['ce', 'margin'] as const)
      for (const norm of ['linf', 'l2', 'l1'] as const) {
        const step = compileStep(model, { loss, norm, targeted: false, bounds: [0, 1] })
        const { x_next: next } = await runGraph(step.graph, {
          gauntlet_x: x,
          labels: classesFeed([0]),
          step_size: number(0.1),
          ...(norm === 'linf'
            ? {
                lower: floatsFeed([1, 2], Float32Array.of(0, 0)),
                upper: floatsFeed([1, 2], Float32Array.of(1, 1)),
              }
            : { x, epsilon: number(0.5) }),
        })
        expect(Number(next!.data[0]), `${loss}, ${norm}, ${gap}`).toBeCloseTo(0.9, 5)
      }
  }
})
