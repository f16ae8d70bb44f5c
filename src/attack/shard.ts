import { GauntletError } from '../errors.js'
import { elementCount } from '../graph/tensor.js'
import { argmax } from '../model/handle.js'
import type { Outcome } from '../plan/task.js'
import { Constraints, type Box } from '../threat/constraints.js'
import { createRng } from '../util/rng.js'
import { clampBetween, clampWithin, isBetween } from '../util/simd/kernels.js'
import { isPrediction, makeFinite } from './checks.js'
import type { AttackJob, AttackResult } from './job.js'
import { averageScores } from './random-model.js'
import { chooseTarget } from './targets.js'

/** Where points may go: the ball within the bounds, or all of the bounds. */
export type Area = 'ball' | 'bounds'

/** A point that is to be judged as an example of the sample `id`. */
export interface Claim {
  readonly id: number
  readonly point: Float32Array
}

/**
 * What is known of each sample of a shard, and the judgement: a success counts only after its example was projected in
 * float64, measured, and misclassified by a fresh pass of the unmodified model (SIGNALS E10, E11).
 */
export class Shard {
  readonly job: AttackJob
  /** Values per sample. */
  readonly size: number
  /** Where points may go, and what counts of them. */
  readonly constraints: Constraints
  readonly notes = new Set<string>()
  /** Indices of the samples still standing. */
  standing: number[] = []
  readonly targets: Int32Array
  /** L∞: the boxes that samples may move in, made when they are first asked for. */
  readonly #boxes = new Map<number, Box>()
  readonly #cleanPrediction: Int32Array
  readonly #advPrediction: Int32Array
  readonly #fell: Uint8Array
  readonly #queries: Int32Array
  readonly #gradients: Int32Array
  readonly #xAdv: Float32Array
  /** Distances of the closest checked examples of attacks of minimum norm. */
  readonly #closest: Float64Array

  constructor(job: AttackJob) {
    const n = job.samples.length
    this.job = job
    this.size = elementCount(job.model.prepared.sampleShape)
    this.constraints = new Constraints(job.threat, this.size)
    this.#cleanPrediction = new Int32Array(n)
    this.#advPrediction = new Int32Array(n)
    this.#fell = new Uint8Array(n)
    this.#queries = new Int32Array(n)
    this.#gradients = new Int32Array(n)
    this.targets = new Int32Array(n)
    this.#xAdv = job.x.slice()
    this.#closest = new Float64Array(n).fill(Infinity)
    for (const note of job.model.prepared.notes) this.notes.add(note)
  }

  /** Clean predictions; who is right stands, and gets a target if the goal asks for one. */
  async scoreClean(): Promise<void> {
    const { model, x, labels, samples, threat } = this.job
    this.checkCancelled()
    const scores = await averageScores(this.job, model, x, samples.length)
    for (let i = 0; i < samples.length; i++) {
      const row = scores.subarray(i * model.classes, (i + 1) * model.classes)
      this.#queries[i] = this.job.eot ?? 1
      this.#cleanPrediction[i] = this.#advPrediction[i] = argmax(row, 0, model.classes)
      // A row with NaN has no prediction; counting it as right would make a broken model look robust.
      const isRight = this.#cleanPrediction[i] === labels[i] && isPrediction(row)
      this.targets[i] = this.#targetOf(i, row)
      const isAttackable = threat.goal.kind === 'untargeted' || this.targets[i] !== labels[i]
      if (isRight && isAttackable) this.standing.push(i)
      if (!isRight && this.#cleanPrediction[i] === labels[i]) this.#cleanPrediction[i] = -1
    }
    const { constraints } = this
    if (constraints.settles && !this.standing.every((id) => constraints.isSettled(this.clean(id))))
      this.notes.add('some clean values are none that examples may have: unchanged, they stay')
    if (constraints.settles && !this.standing.every((id) => constraints.leavesRoom(this.clean(id))))
      this.notes.add(
        'of some samples, nothing else that counts is within epsilon: they cannot fall',
      )
  }

  #targetOf(i: number, row: Float32Array): number {
    const { goal } = this.job.threat
    const { seed, samples, labels } = this.job
    if (goal.kind === 'untargeted') return -1
    return chooseTarget(goal.target, labels[i]!, row, () => createRng(seed, 'target', samples[i]!))
  }

  /** What the judgement measures from: out of reach of any plugin. */
  clean(id: number): Float32Array {
    return this.#row(this.job.x, id)
  }

  /** L∞ only. */
  box(id: number): Box {
    let box = this.#boxes.get(id)
    if (!box) {
      box = this.constraints.boxOf(this.clean(id))
      this.#boxes.set(id, box)
    }
    return box
  }

  /** Into the area, in place. */
  confine(id: number, point: Float32Array, area: Area): void {
    const { threat } = this.job
    const { constraints } = this
    const clean = this.clean(id)
    if (area === 'ball' && constraints.isSurelyInside(clean, point)) return
    if (area === 'ball' && threat.norm === 'linf') {
      const { lower, upper } = this.box(id)
      if (clampWithin(point, clean, lower, upper)) this.#noteRepair()
    } else if (area === 'bounds' && constraints.isUniform) {
      if (isBetween(point, threat.bounds)) return
      if (clampBetween(point, clean, threat.bounds)) this.#noteRepair()
    } else {
      if (makeFinite(point, clean, threat.bounds)) this.#noteRepair()
      if (area === 'bounds') constraints.bound(clean, point)
      else constraints.project(clean, point)
    }
  }

  #noteRepair(): void {
    this.notes.add('points with NaN or infinite values were repaired: a gradient may not be finite')
  }

  /** To what counts of a confined point, in place: rounded, where the threat model asks for it. */
  settle(id: number, point: Float32Array, area: Area): void {
    if (!this.constraints.settles) return
    const isInBall = area === 'ball'
    const room = isInBall && this.job.threat.norm === 'linf' ? this.box(id) : {}
    this.constraints.settle(this.clean(id), point, { ...room, isInBall })
  }

  /** How far a point is from its clean sample. */
  distance(id: number, point: Float32Array): number {
    return this.constraints.distance(point, this.clean(id))
  }

  reachesGoal(id: number, prediction: number): boolean {
    return this.job.threat.goal.kind === 'targeted'
      ? prediction === this.targets[id]
      : prediction !== this.job.labels[id]
  }

  /** Checks claims with a fresh forward pass of the unmodified model. @returns who reached the goal, by index */
  async judge(claims: readonly Claim[], area: Area): Promise<Set<number>> {
    const reached = new Set<number>()
    if (claims.length === 0) return reached
    this.checkCancelled()
    const { model } = this.job
    const points = new Float32Array(claims.length * this.size)
    claims.forEach(({ id, point }, i) => {
      const copy = this.#row(points, i)
      copy.set(point)
      this.confine(id, copy, area)
      this.settle(id, copy, area)
    })
    const scores = await averageScores(this.job, model, points, claims.length)
    claims.forEach(({ id }, i) => {
      const row = scores.subarray(i * model.classes, (i + 1) * model.classes)
      if (this.record({ id, point: this.#row(points, i) }, row, area) < Infinity) reached.add(id)
    })
    return reached
  }

  /**
   * Files what a fresh pass of the unmodified model says of a confined and settled point.
   * @returns how far it is if it reaches the goal; else Infinity
   */
  record({ id, point }: Claim, scores: Float32Array, area: Area): number {
    this.#queries[id]! += this.job.eot ?? 1
    // Scores that are not numbers predict no class: never a success, always reported.
    if (!isPrediction(scores)) {
      this.notes.add('the model gave NaN or infinite scores under attack')
      return Infinity
    }
    const { threat, model, plugin } = this.job
    const prediction = argmax(scores, 0, model.classes)
    const isFooled = this.reachesGoal(id, prediction)
    // Measured only where it counts: attacks on scores come here once a query.
    const reach = isFooled ? this.distance(id, point) : Infinity
    if (area === 'bounds') {
      if (!(reach < this.#closest[id]!)) return reach
      // A part of a chain may look for the least norm; the examples of the chain still stay in its ball.
      if (plugin.kind !== 'minimum-norm' && reach > threat.epsilon) return reach
      this.#closest[id] = reach
    }
    // What has been found within epsilon is not given up for what has not.
    else if (this.#closest[id]! < Infinity && !isFooled) return Infinity
    this.#row(this.#xAdv, id).set(point)
    this.#advPrediction[id] = prediction
    if (reach <= threat.epsilon) this.#fell[id] = 1
    return reach
  }

  hasFallen(id: number): boolean {
    return this.#fell[id] === 1
  }

  /** Whether the settled point is the one that was judged last. */
  isJudged({ id, point }: Claim): boolean {
    return this.#queries[id]! > 1 && equal(point, this.#row(this.#xAdv, id))
  }

  /** Notes what a call cost. */
  spend(id: number, { queries = 0, gradients = 0 }): void {
    this.#queries[id]! += queries
    this.#gradients[id]! += gradients
  }

  checkCancelled(): void {
    if (this.job.isCancelled()) throw new GauntletError('GNT_INTERRUPTED', { what: 'interrupted' })
  }

  #row(array: Float32Array, i: number): Float32Array {
    return array.subarray(i * this.size, (i + 1) * this.size)
  }

  result(): AttackResult {
    const { samples, labels } = this.job
    return {
      xAdv: this.#xAdv,
      notes: [...this.notes],
      outcomes: samples.map((sample, id): Outcome => ({
        sample,
        label: labels[id]!,
        cleanPrediction: this.#cleanPrediction[id]!,
        adversarialPrediction: this.#advPrediction[id]!,
        success: this.hasFallen(id),
        distance: this.distance(id, this.#row(this.#xAdv, id)),
        queries: this.#queries[id]!,
        gradients: this.#gradients[id]!,
      })),
    }
  }
}

function equal(a: Float32Array, b: Float32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
