import { describe, expect, it } from 'vitest'
import { fgsm } from '../../../attacks/evasion/fgsm.js'
import { noise } from '../../../attacks/evasion/noise.js'
import { pgd } from '../../../attacks/evasion/pgd.js'
import { runAttack } from '../../../src/attack/host.js'
import type { AttackResult } from '../../../src/attack/job.js'
import { AttackRegistry } from '../../../src/attack/registry.js'
import type { AttackPlugin } from '../../../src/attack/types.js'
import type { ModelHandle } from '../../../src/model/handle.js'
import type { Norm, ThreatModel } from '../../../src/threat/threat-model.js'
import { createRng } from '../../../src/util/rng.js'
import { linearOf, mlpOf, openModel, predictionsOf, samplesOf } from '../../helpers/networks.js'

const size = 30
const rng = createRng('linear')
const normals = (): number[] => Array.from({ length: size }, () => rng.normal())
const weights = [normals(), normals()]
const difference = weights[1]!.map((w, i) => w - weights[0]![i]!)

/** ‖w‖ in the norm dual to the one a perturbation is measured in. */
const dual: Readonly<Record<Norm, number>> = {
  linf: difference.reduce((sum, w) => sum + Math.abs(w), 0),
  l2: Math.hypot(...difference),
  l1: Math.max(...difference.map(Math.abs)),
  l0: NaN,
  severity: NaN,
}

async function attack(
  model: ModelHandle,
  plugin: AttackPlugin,
  threat: ThreatModel,
  x: Float32Array,
  params: Readonly<Record<string, unknown>> = {},
): Promise<AttackResult> {
  const n = x.length / size
  return runAttack({
    model,
    plugin,
    spec: new AttackRegistry([plugin]).specify(plugin.id, params),
    threat,
    x,
    labels: await predictionsOf(model, x, n),
    samples: Array.from({ length: n }, (_, i) => i),
    seed: 3,
    batch: 16,
    isCancelled: () => false,
  })
}

const successes = ({ outcomes }: AttackResult): number =>
  outcomes.filter((outcome) => outcome.success).length

describe('a linear model, whose least epsilon is margin / ‖w‖', () => {
  // Bounds far away: the ball alone decides.
  const bounds = [-1000, 1000] as const
  const norms: readonly Norm[] = ['linf', 'l2', 'l1']
  const attacks = [
    ['fgsm', fgsm, {}],
    ['pgd', pgd, { steps: 20, relStepSize: 0.5 }],
    ['pgd from the sample itself', pgd, { steps: 5, relStepSize: 1, randomStart: false }],
  ] as const
  const cases = norms.flatMap((norm) =>
    attacks.flatMap(([label, plugin, params]) =>
      (['untargeted', 'targeted'] as const).map((kind) => ({ norm, label, plugin, params, kind })),
    ),
  )

  it.each(cases)('$label, $norm, $kind: just above it always, below it never', async (one) => {
    const { norm, plugin, params, kind } = one
    const model = await openModel(linearOf([size], weights, [0.1, -0.2]))
    for (let seed = 0; seed < 12; seed++) {
      const x = samplesOf(1, [size], seed, [-1, 1])
      const margin = Math.abs(difference.reduce((sum, w, i) => sum + w * x[i]!, -0.3))
      const least = margin / dual[norm]
      const goal = kind === 'targeted' ? ({ kind, target: 'next' } as const) : ({ kind } as const)
      const at = (factor: number): Promise<AttackResult> =>
        attack(model, plugin, { norm, epsilon: factor * least, bounds, goal }, x, params)
      expect(successes(await at(1.01)), `seed ${seed}, above`).toBe(1)
      expect(successes(await at(0.99)), `seed ${seed}, below`).toBe(0)
    }
    await model.close()
  })

  it('bounds that leave no room keep it standing', async () => {
    const model = await openModel(linearOf([size], weights, [0.1, -0.2]))
    const x = samplesOf(1, [size], 1)
    // All values sit where the gradient pushes them already.
    const [label] = await predictionsOf(model, x, 1)
    const pushed = x.map((_, i) => (difference[i]! > 0 === (label === 0) ? 1 : 0))
    const [again] = await predictionsOf(model, pushed, 1)
    for (const norm of norms) {
      const threat = { norm, epsilon: 5, bounds: [0, 1], goal: { kind: 'untargeted' } } as const
      const found = again === label ? 0 : undefined
      const result = await attack(model, pgd, threat, pushed, { randomStart: false })
      if (found !== undefined) expect(successes(result)).toBe(found)
      expect(result.xAdv.every((value) => value >= 0 && value <= 1)).toBe(true)
    }
    await model.close()
  })
})

describe('a small network', () => {
  const n = 200
  const x = samplesOf(n, [size])
  const open = (): Promise<ModelHandle> =>
    openModel(mlpOf([size], 4, { hidden: 24 }), { mean: [0.5], std: [0.25] })
  const radii: Readonly<Record<Norm, number>> = {
    linf: 0.05,
    l2: 0.25,
    l1: 0.8,
    l0: 3,
    severity: NaN,
  }

  it.each(['linf', 'l2', 'l1'] as const)('%s: noise is far weaker than PGD', async (norm) => {
    const model = await open()
    const threat: ThreatModel = {
      norm,
      epsilon: radii[norm],
      bounds: [0, 1],
      goal: { kind: 'untargeted' },
    }
    const [byPgd, byNoise] = [
      successes(await attack(model, pgd, threat, x)),
      successes(await attack(model, noise, threat, x)),
    ]
    expect(byPgd).toBeGreaterThan(20)
    expect(byPgd).toBeLessThan(n)
    expect(byNoise).toBeLessThan(byPgd / 2)
    await model.close()
  })

  it.each(['linf', 'l2', 'l1'] as const)('%s: more steps and restarts find more', async (norm) => {
    const model = await open()
    const threat: ThreatModel = {
      norm,
      epsilon: radii[norm],
      bounds: [0, 1],
      goal: { kind: 'untargeted' },
    }
    const once = successes(await attack(model, fgsm, threat, x))
    const often = successes(await attack(model, pgd, threat, x))
    expect(often).toBeGreaterThanOrEqual(once)
    await model.close()
  })

  it('costs are those of the attack: FGSM one gradient, PGD its steps, noise its tries', async () => {
    const model = await open()
    const threat: ThreatModel = {
      norm: 'linf',
      epsilon: 1e-4,
      bounds: [0, 1],
      goal: { kind: 'untargeted' },
    }
    for (const [plugin, params, queries, gradients] of [
      // The clean sample, each step, and the last point by a fresh pass.
      [fgsm, {}, 3, 1],
      [pgd, { steps: 9 }, 11, 9],
      [noise, { tries: 7 }, 8, 0],
    ] as const) {
      const { outcomes } = await attack(model, plugin, threat, x, params)
      const standing = outcomes.find((outcome) => !outcome.success)
      expect(standing, plugin.id).toMatchObject({ queries, gradients })
    }
    await model.close()
  })
})
