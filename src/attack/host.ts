import { GauntletError } from '../errors.js'
import { argmax, type ModelHandle } from '../model/handle.js'
import type { AttackSpec, Outcome } from '../plan/task.js'
import { box, distance, project, randomInBall } from '../threat/ball.js'
import type { ThreatModel } from '../threat/threat-model.js'
import { createRng, type Rng } from '../util/rng.js'
import { elementCount } from '../graph/tensor.js'
import { checkStepSize, isPrediction, makeFinite } from './checks.js'
import { Living } from './living.js'
import { stepFeeds } from './feeds.js'
import { chooseTarget } from './targets.js'
import type { AttackContext, AttackPlugin } from './types.js'

export interface AttackJob {
  readonly model: ModelHandle
  readonly plugin: AttackPlugin
  readonly spec: AttackSpec
  readonly threat: ThreatModel
  /** Clean samples (n, ...sample) in the data set's units, their labels, and their indices in the data set. */
  readonly x: Float32Array
  readonly labels: Int32Array
  readonly samples: readonly number[]
  readonly seed: number
  readonly batch: number
  /** Asked between steps; true ends the attack with GNT_INTERRUPTED. */
  readonly isCancelled: () => boolean
}

export interface AttackResult {
  readonly outcomes: readonly Outcome[]
  /** The checked example of each sample: the fooling one, else the last point; the clean sample where none was tried. */
  readonly xAdv: Float32Array
  readonly notes: readonly string[]
}

/**
 * Runs an attack on a shard and judges it. Samples the model gets wrong already are not attacked. A claim counts only
 * after its example was projected in float64, measured, and misclassified by a fresh pass of the
 * unmodified model (SIGNALS E10, E11).
 */
export async function runAttack(job: AttackJob): Promise<AttackResult> {
  const shard = new Shard(job)
  await shard.scoreClean()
  for (let restart = 0; restart < job.spec.restarts && shard.standing.length > 0; restart++) {
    const context = shard.begin(restart)
    await job.plugin.run(context, job.spec.params)
    await shard.end()
  }
  return shard.result()
}

class Shard {
  readonly #job: AttackJob
  readonly #size: number
  readonly #cleanPrediction: Int32Array
  readonly #advPrediction: Int32Array
  readonly #fell: Uint8Array
  readonly #queries: Int32Array
  readonly #gradients: Int32Array
  readonly #targets: Int32Array
  readonly #xAdv: Float32Array
  readonly #notes = new Set<string>()
  #living: Living
  /** The current points have been scored since they last moved. */
  #isJudged = false
  #isBusy = false
  #rngs: Rng[] = []
  standing: number[] = []

  constructor(job: AttackJob) {
    const n = job.samples.length
    this.#job = job
    this.#size = elementCount(job.model.prepared.sampleShape)
    this.#cleanPrediction = new Int32Array(n)
    this.#advPrediction = new Int32Array(n)
    this.#fell = new Uint8Array(n)
    this.#queries = new Int32Array(n)
    this.#gradients = new Int32Array(n)
    this.#targets = new Int32Array(n)
    this.#xAdv = job.x.slice()
    this.#living = new Living([], this.#size, false)
    for (const note of job.model.prepared.notes) this.#notes.add(note)
  }

  /** Clean predictions; who is right stands, and gets a target if the goal asks for one. */
  async scoreClean(): Promise<void> {
    const { model, x, labels, samples, batch, threat } = this.#job
    this.#checkCancelled()
    const scores = await model.scores(x, samples.length, batch)
    for (let i = 0; i < samples.length; i++) {
      const row = scores.subarray(i * model.classes, (i + 1) * model.classes)
      this.#queries[i] = 1
      this.#cleanPrediction[i] = this.#advPrediction[i] = argmax(row, 0, model.classes)
      // A row with NaN has no prediction; counting it as right would make a broken model look robust.
      const isRight = this.#cleanPrediction[i] === labels[i] && isPrediction(row)
      this.#targets[i] = this.#targetOf(i, row)
      const isAttackable = threat.goal.kind === 'untargeted' || this.#targets[i] !== labels[i]
      if (isRight && isAttackable) this.standing.push(i)
      if (!isRight && this.#cleanPrediction[i] === labels[i]) this.#cleanPrediction[i] = -1
    }
  }

  #targetOf(i: number, row: Float32Array): number {
    const { goal } = this.#job.threat
    const { seed, samples, labels } = this.#job
    if (goal.kind === 'untargeted') return -1
    return chooseTarget(goal.target, labels[i]!, row, () => createRng(seed, 'target', samples[i]!))
  }

  /** Packs the standing samples for one (re)start and hands the attack its view of them. */
  begin(restart: number): AttackContext {
    const { threat, x, labels, samples, seed, spec } = this.#job
    const living = new Living(this.standing, this.#size, threat.norm === 'linf')
    living.ids.forEach((id, r) => {
      const clean = x.subarray(id * this.#size, (id + 1) * this.#size)
      living.row(living.x, r).set(clean)
      living.row(living.xAdv, r).set(clean)
      if (threat.norm === 'linf')
        box(clean, threat, living.row(living.lower, r), living.row(living.upper, r))
      living.labels[r] = BigInt(labels[id]!)
      living.targets[r] = BigInt(Math.max(0, this.#targets[id]!))
    })
    this.#living = living
    this.#rngs = living.ids.map((id) => createRng(seed, samples[id]!, spec.attack, restart))
    const count = (): number => this.#living.count
    this.#isJudged = false
    return {
      // A copy, frozen: what the host judges by is not within the reach of a plugin.
      threat: Object.freeze({ ...threat, bounds: Object.freeze([...threat.bounds] as const) }),
      sampleSize: this.#size,
      get living() {
        return count()
      },
      start: (from) => this.#start(from),
      step: (options) => this.#alone(() => this.#step(options)),
      score: () => this.#alone(() => this.#judgeRest()),
      propose: (write) => this.#alone(() => this.#propose(write)),
    }
  }

  /** Judges the last points, unless the attack has just had them scored. */
  async end(): Promise<void> {
    await this.#alone(async () => {
      if (!this.#isJudged) await this.#judgeRest()
    })
  }

  /** One call at a time: rows are packed anew by each. */
  async #alone(call: () => Promise<void>): Promise<void> {
    if (this.#isBusy)
      throw new Error(`${this.#job.plugin.id} did not wait for its last step, score or propose`)
    this.#isBusy = true
    try {
      await call()
    } finally {
      this.#isBusy = false
    }
  }

  #start(from: 'clean' | 'random'): void {
    const living = this.#living
    this.#isJudged = false
    for (let r = 0; r < living.count; r++) {
      const x = living.row(living.x, r)
      const point = living.row(living.xAdv, r)
      if (from === 'clean') point.set(x)
      else {
        randomInBall(this.#job.threat, x, this.#rngs[r]!, point)
        this.#confine(r, point)
      }
    }
  }

  async #step(options: Parameters<AttackContext['step']>[0]): Promise<void> {
    const { model, threat, batch } = this.#job
    const living = this.#living
    checkStepSize(options.stepSize)
    this.#isJudged = false
    const targeted = threat.goal.kind === 'targeted'
    const { session, approximations } = await model.step({
      loss: options.loss,
      norm: threat.norm,
      targeted,
      bounds: threat.bounds,
    })
    for (const note of approximations) this.#notes.add(note)
    const claims: Claim[] = []
    const most = model.rowsAtMost(batch)
    for (let from = 0; from < living.count; from += most) {
      this.#checkCancelled()
      const count = Math.min(most, living.count - from)
      const rows = model.rowsFor(count)
      const feeds = stepFeeds(model, threat, living, {
        from,
        count,
        rows,
        stepSize: options.stepSize,
      })
      const room = living.nextRows(from, count)
      const dims = [rows, ...model.prepared.sampleShape]
      const { x_next: next, logits } = await session.run(
        feeds,
        count === rows ? { x_next: { dtype: 'float32', dims, data: room } } : {},
      )
      // A padded call has more rows than there is room for.
      if (count !== rows) room.set((next!.data as Float32Array).subarray(0, room.length))
      const scores = logits!.data as Float32Array
      const classes = model.classes
      for (let r = from; r < from + count; r++) {
        const id = living.ids[r]!
        this.#gradients[id]!++
        this.#queries[id]!++
        const prediction = argmax(scores, (r - from) * classes, classes)
        if (this.#reachesGoal(id, prediction))
          claims.push({ row: r, point: living.row(living.xAdv, r).slice() })
      }
    }
    living.swap()
    await this.#judge(claims)
  }

  async #propose(write: Parameters<AttackContext['propose']>[0]): Promise<void> {
    const living = this.#living
    // Copies, because what a plugin writes into must be neither the clean sample nor what is judged.
    const [clean, out] = [new Float32Array(this.#size), new Float32Array(this.#size)]
    for (let r = 0; r < living.count; r++) {
      const point = living.row(living.xAdv, r)
      clean.set(living.row(living.x, r))
      out.set(point)
      write(clean, this.#rngs[r]!, out)
      point.set(out)
    }
    await this.#judgeRest()
  }

  /** Scores the current point of every living sample. */
  async #judgeRest(): Promise<void> {
    const living = this.#living
    this.#isJudged = true
    await this.#judge(living.ids.map((_, row) => ({ row, point: living.row(living.xAdv, row) })))
  }

  /** Checks claims with a fresh forward pass of the unmodified model; who really fell leaves the batch. */
  async #judge(claims: readonly Claim[]): Promise<void> {
    if (claims.length === 0) return
    this.#checkCancelled()
    const { model, threat, batch, x } = this.#job
    const size = this.#size
    const points = new Float32Array(claims.length * size)
    claims.forEach(({ row, point }, i) => {
      const copy = points.subarray(i * size, (i + 1) * size)
      copy.set(point)
      this.#confine(row, copy)
    })
    const scores = await model.scores(points, claims.length, batch)
    const fallen = new Set<number>()
    claims.forEach(({ row }, i) => {
      const id = this.#living.ids[row]!
      const point = points.subarray(i * size, (i + 1) * size)
      this.#queries[id]!++
      // Scores that are not numbers predict no class: never a success, always reported.
      if (!isPrediction(scores.subarray(i * model.classes, (i + 1) * model.classes))) {
        this.#notes.add('the model gave NaN or infinite scores under attack')
        return
      }
      this.#xAdv.set(point, id * size)
      this.#advPrediction[id] = argmax(scores, i * model.classes, model.classes)
      const reach = distance(threat.norm, point, x.subarray(id * size, (id + 1) * size))
      if (!(reach <= threat.epsilon) || !this.#reachesGoal(id, this.#advPrediction[id])) return
      this.#fell[id] = 1
      fallen.add(row)
    })
    this.#remove(fallen)
  }

  #remove(fallen: ReadonlySet<number>): void {
    this.#rngs = this.#rngs.filter((_, row) => !fallen.has(row))
    this.#living.remove(fallen)
    this.standing = this.#living.ids
  }

  /** Onto ball and bounds, in place. */
  #confine(row: number, point: Float32Array): void {
    const living = this.#living
    const { threat } = this.#job
    if (makeFinite(point, living.row(living.x, row), threat.bounds))
      this.#notes.add(
        'points with NaN or infinite values were repaired: a gradient may not be finite',
      )
    if (threat.norm !== 'linf') return project(threat, living.row(living.x, row), point)
    const [lower, upper] = [living.row(living.lower, row), living.row(living.upper, row)]
    for (let i = 0; i < point.length; i++) {
      const value = point[i]!
      if (value < lower[i]!) point[i] = lower[i]!
      else if (value > upper[i]!) point[i] = upper[i]!
    }
  }

  #clean(id: number): Float32Array {
    return this.#job.x.subarray(id * this.#size, (id + 1) * this.#size)
  }

  #reachesGoal(id: number, prediction: number): boolean {
    return this.#job.threat.goal.kind === 'targeted'
      ? prediction === this.#targets[id]
      : prediction !== this.#job.labels[id]
  }

  #checkCancelled(): void {
    if (this.#job.isCancelled()) throw new GauntletError('GNT_INTERRUPTED', { what: 'interrupted' })
  }

  result(): AttackResult {
    const { samples, labels, threat } = this.#job
    return {
      xAdv: this.#xAdv,
      notes: [...this.#notes],
      outcomes: samples.map((sample, id) => ({
        sample,
        label: labels[id]!,
        cleanPrediction: this.#cleanPrediction[id]!,
        adversarialPrediction: this.#advPrediction[id]!,
        success: this.#fell[id] === 1,
        distance: distance(
          threat.norm,
          this.#xAdv.subarray(id * this.#size, (id + 1) * this.#size),
          this.#clean(id),
        ),
        queries: this.#queries[id]!,
        gradients: this.#gradients[id]!,
      })),
    }
  }
}

/** A row that is said to have fallen, and the point it fell at. */
interface Claim {
  readonly row: number
  readonly point: Float32Array
}
