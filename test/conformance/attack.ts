import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runAttack } from '../../src/attack/host.js'
import type { AttackJob, AttackResult } from '../../src/attack/job.js'
import { AttackRegistry } from '../../src/attack/registry.js'
import type { AttackPlugin } from '../../src/attack/types.js'
import type { ModelHandle } from '../../src/model/handle.js'
import { distance } from '../../src/threat/ball.js'
import type { Goal, Norm, ThreatModel } from '../../src/threat/threat-model.js'
import { createRng } from '../../src/util/rng.js'
import { counting, type Counts } from '../helpers/counting.js'
import { mlpOf, openModel, predictionsOf, samplesOf } from '../helpers/networks.js'

export interface AttackCase {
  readonly plugin: AttackPlugin
  readonly params?: Readonly<Record<string, unknown>>
  /** Two seeds may give two results. */
  readonly isRandom: boolean
}

// Odd sizes: rows begin at addresses of every alignment.
const shape = [1, 3, 5] as const
const [size, classes, count] = [15, 5, 40]

/** Radii at which the network below is fooled on some of the samples, but not on all. */
const radii: Readonly<Record<Norm, number>> = { linf: 0.12, l2: 0.4, l1: 1, l0: 3, severity: 3 }

const goals: readonly Goal[] = [
  { kind: 'untargeted' },
  { kind: 'targeted', target: 'random' },
  { kind: 'targeted', target: 'least-likely' },
  { kind: 'targeted', target: 'next' },
  { kind: 'targeted', target: 2 },
]

/** What every attack must hold to, in each norm and goal that it declares. */
export function describeAttack({ plugin, params = {}, isRandom }: AttackCase): void {
  const registry = new AttackRegistry([plugin])
  let model: ModelHandle
  let x: Float32Array
  let labels: Int32Array
  /** Every fifth label is wrong: the model does not get all samples right. */
  let mislabelled: readonly number[]

  beforeAll(async () => {
    // Centred, so that each class is predicted now and then.
    model = await openModel(mlpOf(shape, classes, { hidden: 16 }), { mean: [0.5], std: [0.2] })
    x = samplesOf(count, shape)
    const predictions = await predictionsOf(model, x, count)
    expect(new Set(predictions).size).toBe(classes)
    labels = predictions.map((label, i) => (i % 5 === 4 ? (label + 1) % classes : label))
    mislabelled = Array.from(labels.keys()).filter((i) => i % 5 === 4)
  })
  afterAll(() => model.close())

  const attack = (
    threat: ThreatModel,
    change: Partial<AttackJob> & { restarts?: number } = {},
  ): Promise<AttackResult> => {
    const { restarts = 1, ...rest } = change
    return runAttack({
      model,
      plugin,
      spec: registry.specify(plugin.id, params, restarts),
      threat,
      x,
      labels,
      samples: Array.from({ length: count }, (_, i) => 100 + i),
      seed: 7,
      batch: 16,
      isCancelled: () => false,
      ...rest,
    })
  }
  const declared = plugin.norms.flatMap((norm) =>
    goals
      .filter((goal) => plugin.goals.includes(goal.kind))
      .map((goal) => ({
        norm,
        goal,
        to: goal.kind === 'targeted' ? `target ${goal.target}` : goal.kind,
      })),
  )

  describe.each(declared)(`${plugin.id}, $norm, $to`, ({ norm, goal }) => {
    const threat: ThreatModel = { norm, epsilon: radii[norm], bounds: [0, 1], goal }
    it('stays within epsilon and bounds, and says the distance', async () => {
      const { xAdv, outcomes } = await attack(threat)
      outcomes.forEach((outcome, i) => {
        const reach = distance(norm, row(xAdv, i), row(x, i))
        if (outcome.success || plugin.kind !== 'minimum-norm')
          expect(reach).toBeLessThanOrEqual(threat.epsilon)
        expect(outcome.distance).toBe(reach)
      })
      expect(xAdv.every((value) => value >= 0 && value <= 1)).toBe(true)
    })

    it('looking for the closest example finds no fewer within epsilon', async () => {
      if (plugin.kind !== 'minimum-norm') return
      const [first, closest] = [await attack(threat), await attack(threat, { search: 'closest' })]
      closest.outcomes.forEach(({ success, distance: reach }, i) => {
        const before = first.outcomes[i]!
        if (before.success) expect(success).toBe(true)
        if (before.success) expect(reach).toBeLessThanOrEqual(before.distance)
        if (reach > 0) expect(success).toBe(reach <= threat.epsilon)
      })
    })

    it('counts as success what the model itself says, and nothing else', async () => {
      const { xAdv, outcomes } = await attack(threat)
      const own = await predictionsOf(model, xAdv, count)
      const clean = await predictionsOf(model, x, count)
      outcomes.forEach((outcome, i) => {
        expect(outcome.sample).toBe(100 + i)
        expect(outcome.label).toBe(labels[i])
        expect(outcome.cleanPrediction).toBe(clean[i])
        expect(outcome.adversarialPrediction).toBe(own[i])
        if (!outcome.success) return
        expect(clean[i]).toBe(labels[i])
        if (goal.kind === 'untargeted') expect(own[i]).not.toBe(labels[i])
        else if (typeof goal.target === 'number') expect(own[i]).toBe(goal.target)
        else if (goal.target === 'next') expect(own[i]).toBe((labels[i]! + 1) % classes)
        else expect(own[i]).not.toBe(labels[i])
      })
    })

    it('the same seed gives the same bytes, in any batch', async () => {
      const first = await attack(threat)
      for (const batch of [16, 1, 7, 64]) {
        const again = await attack(threat, { batch })
        expect(again.outcomes, `batch ${batch}`).toEqual(first.outcomes)
        expect(Buffer.from(again.xAdv.buffer).equals(Buffer.from(first.xAdv.buffer))).toBe(true)
      }
    })

    it(`another seed gives ${isRandom ? 'another' : 'the same'} result`, async () => {
      const other = { seed: 8 }
      const [a, b] = [await attack(threat), await attack(threat, other)]
      // A random target is drawn from the seed.
      const isDrawn = goal.kind === 'targeted' && goal.target === 'random'
      expect(Buffer.from(a.xAdv.buffer).equals(Buffer.from(b.xAdv.buffer))).toBe(
        !(isRandom || isDrawn),
      )
    })

    it('a sample fares the same whatever else is in its shard', async () => {
      if (plugin.kind === 'universal') return
      const whole = await attack(threat)
      const picked = [3, 38, 17, 9, 0, 21]
      const part = await attack(threat, {
        x: Float32Array.from(picked.flatMap((i) => Array.from(row(x, i)))),
        labels: Int32Array.from(picked, (i) => labels[i]!),
        samples: picked.map((i) => 100 + i),
      })
      picked.forEach((i, at) => {
        expect(part.outcomes[at]).toEqual(whole.outcomes[i])
        expect(row(part.xAdv, at)).toEqual(row(whole.xAdv, i))
      })
    })

    it('samples that the model gets wrong are left alone', async () => {
      const { xAdv, outcomes } = await attack(threat, { restarts: 2 })
      for (const i of mislabelled) {
        expect(outcomes[i]).toMatchObject({
          success: false,
          gradients: 0,
          queries: 1,
          distance: 0,
          adversarialPrediction: outcomes[i]!.cleanPrediction,
        })
        expect(row(xAdv, i)).toEqual(row(x, i))
      }
    })

    it('says what it cost, and fallen samples cost no more', async () => {
      const counts: Counts = { queries: 0, gradients: 0 }
      const { outcomes } = await attack(threat, { model: counting(model, counts), restarts: 3 })
      const total = (key: 'queries' | 'gradients'): number =>
        outcomes.reduce((sum, outcome) => sum + outcome[key], 0)
      expect({ queries: total('queries'), gradients: total('gradients') }).toEqual(counts)
      // Restarts go on with the survivors only.
      const single = await attack(threat)
      single.outcomes.forEach(({ success, queries, gradients }, i) => {
        if (success) expect(outcomes[i]).toMatchObject({ success, queries, gradients })
        else if (outcomes[i]!.cleanPrediction === labels[i] && isAttackable(goal, labels[i]!))
          expect(outcomes[i]!.queries).toBeGreaterThan(queries)
      })
    })

    it('a sample that is its own target is not attacked', async () => {
      if (goal.kind !== 'targeted' || goal.target !== 2) return
      const { outcomes } = await attack(threat)
      const own = outcomes.filter(({ label }) => label === 2)
      expect(own.length).toBeGreaterThan(0)
      for (const outcome of own) expect(outcome).toMatchObject({ success: false, gradients: 0 })
    })

    it('ends between steps when cancelled', async () => {
      const asked = Math.floor(createRng('cancel', norm).uniform() * 3)
      let times = 0
      await expect(attack(threat, { isCancelled: () => times++ >= asked })).rejects.toMatchObject({
        code: 'GNT_INTERRUPTED',
        exitCode: 130,
      })
      expect(times).toBe(asked + 1)
    })
  })
}

const row = (array: Float32Array, i: number): Float32Array =>
  array.subarray(i * size, (i + 1) * size)

const isAttackable = (goal: Goal, label: number): boolean =>
  goal.kind === 'untargeted' || goal.target !== label
