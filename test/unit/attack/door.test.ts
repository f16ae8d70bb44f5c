import { z } from 'zod'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deepfool } from '../../../attacks/evasion/deepfool.js'
import { fgsm } from '../../../attacks/evasion/fgsm.js'
import { miFgsm } from '../../../attacks/evasion/mi-fgsm.js'
import { pgd } from '../../../attacks/evasion/pgd.js'
import { runAttack } from '../../../src/attack/host.js'
import type { AttackJob, AttackResult } from '../../../src/attack/job.js'
import { AttackRegistry } from '../../../src/attack/registry.js'
import type { AttackContext, AttackPlugin } from '../../../src/attack/types.js'
import type { ModelHandle } from '../../../src/model/handle.js'
import { distance } from '../../../src/threat/ball.js'
import { createRng } from '../../../src/util/rng.js'
import { float, nodeOf } from '../../helpers/graphs.js'
import {
  linearOf,
  mlpOf,
  openModel,
  predictionsOf,
  samplesOf,
  withTail,
} from '../../helpers/networks.js'

const [size, n, classes] = [12, 40, 4]
const shape = [size]
const x = samplesOf(n, shape)
const linf = {
  norm: 'linf',
  epsilon: 0.08,
  bounds: [0, 1],
  goal: { kind: 'untargeted' },
} as const

let model: ModelHandle
let labels: Int32Array
beforeAll(async () => {
  model = await openModel(mlpOf(shape, classes, { hidden: 20 }), { mean: [0.5], std: [0.25] })
  labels = await predictionsOf(model, x, n)
})
afterAll(() => model.close())

function pluginOf(
  run: (context: AttackContext) => Promise<void>,
  change: Partial<AttackPlugin> = {},
): AttackPlugin {
  return {
    id: 'own',
    version: 1,
    title: 'own',
    source: 'here',
    kind: 'fixed-epsilon',
    needs: ['gradient'],
    norms: ['linf', 'l2', 'l1', 'l0'],
    goals: ['untargeted', 'targeted'],
    params: z.object({}),
    restarts: 1,
    label: () => 'own',
    run,
    ...change,
  }
}

function attack(
  plugin: AttackPlugin,
  change: Partial<AttackJob> & { params?: Record<string, unknown>; restarts?: number } = {},
): Promise<AttackResult> {
  const { params, restarts, ...rest } = change
  return runAttack({
    model,
    plugin,
    spec: new AttackRegistry([plugin]).specify(plugin.id, params, restarts),
    threat: linf,
    x,
    labels,
    samples: Array.from({ length: n }, (_, i) => i),
    seed: 1,
    batch: 16,
    isCancelled: () => false,
    ...rest,
  })
}

const fooled = ({ outcomes }: AttackResult): number[] =>
  outcomes.flatMap(({ success }, i) => (success ? [i] : []))
const row = (array: Float32Array, i: number): Float32Array =>
  array.subarray(i * size, (i + 1) * size)

describe('an update on plain arrays', () => {
  it('with the sign of the gradient is FGSM', async () => {
    const own = pluginOf(async (context) => {
      await context.gradient({ loss: 'ce' })
      for (const { point, gradient } of context.samples)
        for (let i = 0; i < size; i++) point[i]! += linf.epsilon * Math.sign(gradient[i]!)
    })
    const [a, b] = [await attack(own), await attack(fgsm)]
    expect(fooled(a)).toEqual(fooled(b))
    expect(fooled(a).length).toBeGreaterThan(5)
    expect(Math.max(...a.xAdv.map((value, i) => Math.abs(value - b.xAdv[i]!)))).toBeLessThan(1e-6)
  })

  it('sees loss, scores and prediction of the point it asked about', async () => {
    const own = pluginOf(async (context) => {
      expect(context.samples[0]!.isFooled).toBe(false)
      expect(context.samples[0]!.loss).toBeNaN()
      await context.gradient({ loss: 'margin' })
      expect(context.classes).toBe(classes)
      for (const { label, prediction, scores, loss, isFooled } of context.samples) {
        const others = Math.max(...scores.filter((_, k) => k !== label))
        expect(loss).toBeCloseTo(others - scores[label]!, 5)
        expect({ prediction, isFooled }).toEqual({ prediction: label, isFooled: false })
      }
    })
    await attack(own)
  })

  it('towards a class of its own ascends that class', async () => {
    const own = pluginOf(async (context) => {
      await context.gradient({ loss: 'difference', towards: ({ label }) => (label + 1) % classes })
      const before = context.samples.map(({ loss }) => loss)
      const ids = context.samples.map(({ id }) => id)
      for (const { point, gradient } of context.samples)
        for (let i = 0; i < size; i++) point[i]! += 1e-3 * Math.sign(gradient[i]!)
      await context.gradient({ loss: 'difference', towards: ({ label }) => (label + 1) % classes })
      for (const { id, loss } of context.samples)
        expect(loss).toBeGreaterThan(before[ids.indexOf(id)]!)
    })
    await attack(own)
  })

  it('keeps what it remembers of a sample by its number while others fall', async () => {
    const seen = new Map<number, Float32Array>()
    const own = pluginOf(async (context) => {
      for (let step = 0; step < 6 && context.living > 0; step++) {
        for (const { id, clean } of context.samples) {
          const known = seen.get(id)
          if (known) expect(clean).toEqual(known)
          else seen.set(id, clean.slice())
        }
        await context.step({ loss: 'ce', stepSize: 0.02 })
      }
      expect(context.living).toBeLessThan(n)
    })
    await attack(own)
    expect(seen.size).toBe(n)
  })
})

describe('an update rule of its own', () => {
  it('is fused: momentum gives what the same rule on arrays gives', async () => {
    const steps = 5
    const own = pluginOf(async (context) => {
      const momenta = new Map<number, Float32Array>()
      for (let step = 0; step < steps && context.living > 0; step++) {
        await context.gradient({ loss: 'ce' })
        for (const { id, point, gradient } of context.samples) {
          const momentum = momenta.get(id) ?? new Float32Array(size)
          momenta.set(id, momentum)
          const length = gradient.reduce((sum, value) => sum + Math.abs(value), 0)
          for (let i = 0; i < size; i++) {
            momentum[i] = momentum[i]! + gradient[i]! / length
            point[i]! += (linf.epsilon / steps) * Math.sign(momentum[i]!)
          }
        }
      }
    })
    const [fused, plain] = [await attack(miFgsm, { params: { steps } }), await attack(own)]
    expect(fooled(fused)).toEqual(fooled(plain))
    fused.xAdv.forEach((value, i) => expect(value).toBeCloseTo(plain.xAdv[i]!, 5))
    expect(fooled(fused).length).toBeGreaterThan(fooled(await attack(fgsm)).length - 1)
  })
})

describe('an attack of minimum norm', () => {
  const rng = createRng('door')
  const normals = (): number[] => Array.from({ length: size }, () => rng.normal())
  const weights = [normals(), normals(), normals()]
  const bias = [0.1, -0.2, 0]

  it.each(['l2', 'linf'] as const)(
    'DeepFool, %s: the distance to the nearest border',
    async (norm) => {
      const linear = await openModel(linearOf(shape, weights, bias))
      const points = samplesOf(n, shape, 3, [-1, 1])
      const own = await predictionsOf(linear, points, n)
      const threat = { ...linf, norm, epsilon: 1e-3, bounds: [-100, 100] } as const
      const result = await attack(deepfool, {
        model: linear,
        x: points,
        labels: own,
        threat,
        search: 'closest',
      })
      const scores = await linear.scores(points, n, n)
      result.outcomes.forEach(({ distance: found, success }, i) => {
        const label = own[i]!
        const gaps = weights.flatMap((w, k) => {
          if (k === label) return []
          const difference = w.map((value, j) => value - weights[label]![j]!)
          const gap = scores[i * 3 + label]! - scores[i * 3 + k]!
          const dual =
            norm === 'l2'
              ? Math.hypot(...difference)
              : difference.reduce((s, v) => s + Math.abs(v), 0)
          return [gap / dual]
        })
        const least = Math.min(...gaps)
        expect(found / least).toBeGreaterThan(0.999)
        expect(found / least).toBeLessThan(1.03)
        expect(success).toBe(found <= threat.epsilon)
      })
      await linear.close()
    },
  )

  it('may leave the ball, not the bounds, and falls within epsilon only', async () => {
    const own = pluginOf(
      async (context) => {
        for (const { point } of context.samples) point.fill(3)
        await context.score()
        for (const { point } of context.samples) expect(Math.max(...point)).toBe(1)
      },
      { kind: 'minimum-norm' },
    )
    const { outcomes, xAdv } = await attack(own)
    const wrong = outcomes.filter(
      ({ adversarialPrediction, label }) => adversarialPrediction !== label,
    )
    expect(wrong.length).toBeGreaterThan(5)
    for (const { success, distance: reach, sample } of wrong) {
      expect(success).toBe(false)
      expect(reach).toBeGreaterThan(linf.epsilon)
      expect(row(xAdv, sample).every((value) => value === 1)).toBe(true)
    }
  })
})

describe('a chain', () => {
  it('gives each part what the parts before have left, at the clean samples', async () => {
    const left: number[] = []
    const chain = pluginOf(async (context) => {
      await context.run(fgsm)
      left.push(context.living)
      await context.run(
        pluginOf(async (inner) => {
          for (const { clean, point } of inner.samples) expect(point).toEqual(clean)
        }),
      )
      await context.run(pgd, { params: { steps: 20 }, restarts: 2 })
      left.push(context.living)
    })
    const whole = fooled(await attack(chain))
    const [first, second] = [fooled(await attack(fgsm)), fooled(await attack(pgd))]
    expect(left[0]).toBe(n - first.length)
    expect(left[1]).toBe(n - whole.length)
    for (const i of first) expect(whole).toContain(i)
    expect(whole.length).toBeGreaterThanOrEqual(second.length)
  })

  it('of fixed epsilon and minimum norm holds each to its own', async () => {
    const chain = pluginOf(async (context) => {
      await context.run(deepfool)
      await context.run(pgd, { params: { steps: 3 } })
    })
    const { outcomes } = await attack(chain)
    expect(outcomes.filter(({ success }) => success).length).toBeGreaterThan(5)
    for (const { success, distance: reach } of outcomes)
      if (success) expect(reach).toBeLessThanOrEqual(linf.epsilon)
  })
})

describe('what a plugin declares', () => {
  it('labels: scores are out of sight', async () => {
    const own = pluginOf(
      async (context) => {
        await context.score()
        expect(context.samples[0]!.prediction).toBe(context.samples[0]!.label)
        expect(() => context.samples[0]!.scores).toThrow('declares needs')
        await expect(context.gradient({ loss: 'ce' })).rejects.toThrow('does not declare')
      },
      { needs: ['labels'] },
    )
    await attack(own)
  })

  it('L0: changes few values, and has no fused step', async () => {
    const threat = { ...linf, norm: 'l0', epsilon: 3 } as const
    const own = pluginOf(async (context) => {
      context.start('random')
      await context.score()
      await context.gradient({ loss: 'margin' })
      for (const { point, gradient } of context.samples)
        for (let i = 0; i < size; i++) point[i]! += gradient[i]!
    })
    const { outcomes, xAdv } = await attack(own, { threat })
    expect(fooled({ outcomes, xAdv, notes: [] }).length).toBeGreaterThan(3)
    outcomes.forEach(({ distance: changed }, i) => {
      expect(changed).toBe(distance('l0', row(xAdv, i), row(x, i)))
      expect(changed).toBeLessThanOrEqual(3)
    })
    const stepping = pluginOf((context) => context.step({ loss: 'ce', stepSize: 1 }))
    await expect(attack(stepping, { threat })).rejects.toMatchObject({ code: 'GNT_ATTACK_NEEDS' })
  })
})

describe('a transfer attack', () => {
  it('asks the model at the end of each restart only, and the surrogate for all else', async () => {
    const surrogate = await openModel(mlpOf(shape, classes, { hidden: 20 }), {
      mean: [0.5],
      std: [0.27],
    })
    const steps = 10
    const { outcomes } = await attack(pgd, { surrogate, params: { steps } })
    const white = fooled(await attack(pgd, { params: { steps } })).length
    const transferred = outcomes.filter(({ success }) => success)
    expect(transferred.length).toBeGreaterThan(3)
    expect(transferred.length).toBeLessThanOrEqual(white + 2)
    // The clean sample, the steps on the surrogate, and the last point.
    for (const { queries, gradients } of outcomes)
      expect({ queries, gradients }).toEqual({ queries: steps + 2, gradients: steps })
    await surrogate.close()
  })

  it('counts what the surrogate is asked for scores, as for gradients', async () => {
    const surrogate = await openModel(mlpOf(shape, classes, { hidden: 20 }), {
      mean: [0.5],
      std: [0.27],
    })
    const [scores, proposals] = [4, 3]
    const own = pluginOf(
      async (context) => {
        context.start('random')
        for (let k = 0; k < scores; k++) await context.score()
        for (let k = 0; k < proposals; k++) await context.propose(() => {})
      },
      { needs: ['scores'] },
    )
    for (const eot of [1, 2]) {
      const { outcomes } = await attack(own, { surrogate, eot })
      for (const { queries, gradients } of outcomes)
        expect({ queries, gradients }).toEqual({
          queries: eot * (1 + scores + proposals + 1),
          gradients: 0,
        })
    }
    await surrogate.close()
  })
})

describe('a random model', () => {
  it('is judged and differentiated on average', async () => {
    const graph = withTail(mlpOf(shape, classes, { hidden: 20 }), [
      nodeOf('RandomNormalLike', ['y'], ['noise'], { scale: float(0.6) }),
      nodeOf('Add', ['y', 'noise'], ['noisy']),
    ])
    const random = await openModel(graph, { mean: [0.5], std: [0.25] })
    const eot = 30
    const result = await attack(pgd, { model: random, eot, params: { steps: 5 } })
    for (const { cleanPrediction, success, queries, gradients } of result.outcomes) {
      expect(queries % eot).toBe(0)
      if (!success && cleanPrediction >= 0) expect([0, 5 * eot]).toContain(gradients)
    }
    const mean = fooled(result)
    // Nearly all of what it finds fools the model without its noise, too.
    const still = await predictionsOf(model, result.xAdv, n)
    const real = mean.filter((i) => still[i] !== labels[i])
    expect(mean.length).toBeGreaterThan(8)
    expect(real.length / mean.length).toBeGreaterThan(0.7)
    await random.close()
  })
})
