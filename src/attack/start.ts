import { createRng, type Rng } from '../util/rng.js'
import { Calls } from './calls.js'
import { Living } from './living.js'
import { filled, LivingSample } from './sample.js'
import type { Area, Claim, Shard } from './shard.js'
import type {
  AttackContext,
  AttackKind,
  AttackPlugin,
  GradientOptions,
  StepOptions,
} from './types.js'

const areas: Readonly<Record<AttackKind, Area>> = {
  'fixed-epsilon': 'ball',
  'minimum-norm': 'bounds',
  universal: 'ball',
  control: 'ball',
}

/** Parts of a random stream's name. */
type Stream = readonly (string | number)[]

/**
 * One (re)start of an attack on what still stands: the packed samples, and what can be done with them. An attack sees it
 * through `contextOf`.
 */
export class Start {
  readonly shard: Shard
  readonly #living: Living
  readonly #calls: Calls
  #samples: LivingSample[]
  /** Those the attack is done with, and their last points. */
  #left = new Map<LivingSample, Float32Array>()
  #plugin: AttackPlugin
  /** Examples of minimum norm that a program saw, and no fresh pass has checked yet. */
  readonly #closest = new Map<number, { readonly point: Float32Array; distance: number }>()
  readonly #stream: Stream
  #parts = 0
  #isBusy = false

  constructor(shard: Shard, plugin: AttackPlugin, stream: Stream) {
    const { labels, model } = shard.job
    const { size, targets } = shard
    this.shard = shard
    this.#stream = stream
    this.#plugin = plugin
    const living = new Living(shard.standing, size)
    this.#living = living
    this.#calls = new Calls(shard, living)
    this.#samples = living.ids.map((id, row) => {
      this.#fill(id, row)
      return new LivingSample(id, {
        living,
        row,
        label: labels[id]!,
        target: targets[id]!,
        classes: model.classes,
        rng: () => this.#rng(id, stream),
        isFooled: (prediction) => shard.reachesGoal(id, prediction),
        closest: () => this.#closest.get(id) ?? null,
      })
    })
    this.#limitSight()
  }

  /** Puts a sample into a row, at its clean point. */
  #fill(id: number, row: number): void {
    const { shard } = this
    const living = this.#living
    living.row(living.x, row).set(shard.clean(id))
    living.row(living.xAdv, row).set(shard.clean(id))
    living.fillBox(row, () => shard.box(id))
    living.labels[row] = BigInt(shard.job.labels[id]!)
    living.targets[row] = BigInt(Math.max(0, shard.targets[id]!))
  }

  get samples(): readonly LivingSample[] {
    return this.#samples
  }

  start(from: 'clean' | 'random'): void {
    for (const sample of this.#samples) {
      const { id, clean, point } = sample
      if (from === 'clean') point.set(clean)
      else {
        this.shard.constraints.random(clean, sample.rng, point)
        this.shard.confine(id, point, 'ball')
      }
    }
  }

  step(options: StepOptions): Promise<void> {
    return this.#alone(async () => {
      if (this.#area !== 'ball') throw new Error('step stays in the ball: use gradient')
      const claims = await this.#calls.step(this.#samples, options)
      await this.#judge(claims)
    })
  }

  gradient(options: GradientOptions): Promise<void> {
    return this.#alone(async () => {
      if (!this.#plugin.needs.includes('gradient'))
        throw new Error(`${this.#plugin.id} does not declare that it needs gradients`)
      this.#confine(options.within)
      await this.#calls.gradient(this.#samples, options)
      if ((options.within ?? this.#area) === this.#area) await this.#look(options)
    })
  }

  score(): Promise<void> {
    return this.#alone(() => this.#score())
  }

  propose(write: Parameters<AttackContext['propose']>[0]): Promise<void> {
    return this.#alone(async () => {
      // Copies: what an attack writes into is not what it started from.
      const [clean, out] = [
        new Float32Array(this.#living.size),
        new Float32Array(this.#living.size),
      ]
      for (const sample of this.#samples) {
        clean.set(sample.clean)
        out.set(sample.point)
        write(clean, sample.rng, out)
        sample.point.set(out)
      }
      await this.#score()
    })
  }

  leave(isDone: (sample: LivingSample) => boolean): void {
    if (this.#isBusy) throw new Error(`${this.#plugin.id} takes samples out during a call`)
    const done = new Set(this.#samples.filter(isDone))
    for (const sample of done) this.#left.set(sample, sample.point.slice())
    this.#take(done)
  }

  /** Brings back who has left a part of the attack, and still stands. */
  #comeBack(): void {
    for (const [sample, point] of this.#left) {
      if (!this.shard.standing.includes(sample.id)) continue
      sample.row = this.#living.add(sample.id)
      this.#fill(sample.id, sample.row)
      sample.point.set(point)
      this.#samples.push(sample)
    }
    this.#left = new Map()
  }

  async run(
    plugin: AttackPlugin,
    context: AttackContext,
    options: Parameters<AttackContext['run']>[1] = {},
  ): Promise<void> {
    const outer = this.#plugin
    const part = this.#parts++
    const params: unknown = plugin.params.parse(options.params ?? {})
    const left = this.#left
    this.#left = new Map()
    for (let restart = 0; restart < (options.restarts ?? plugin.restarts); restart++) {
      if (this.#samples.length === 0) break
      this.#plugin = plugin
      this.#living.forgetColumns()
      const stream = [...this.#stream, part, plugin.id, restart]
      for (const sample of this.#samples) sample.draw(() => this.#rng(sample.id, stream))
      this.start('clean')
      this.#limitSight()
      await plugin.run(context, params)
      await this.end()
      this.#comeBack()
    }
    this.#left = left
    this.#plugin = outer
    this.#living.forgetColumns()
    this.#limitSight()
  }

  /** Judges the last points, unless the attack has just had them scored; or the closest examples. */
  end(): Promise<void> {
    return this.#alone(async () => {
      if (this.#area === 'bounds') return this.#checkClosest()
      const last = [
        ...[...this.#left].map(([{ id }, point]): Claim => ({ id, point })),
        ...this.#samples.map(({ id, point }): Claim => ({ id, point })),
      ]
      for (const { id, point } of last) {
        this.shard.confine(id, point, 'ball')
        this.shard.settle(id, point, 'ball')
      }
      await this.#judge(
        last.filter((claim) => !this.shard.isJudged(claim)),
        { isLast: true },
      )
    })
  }

  /**
   * An example on the very border may not survive the fresh pass, which rounds in another order: then one a little
   * farther out is tried.
   */
  async #checkClosest(): Promise<void> {
    const { shard } = this
    let open: Claim[] = [...this.#closest].map(([id, { point }]) => ({ id, point }))
    const reached = new Set<number>()
    for (const stretch of [0, 0.001, 0.01, 0.05]) {
      const tried = open.map(({ id, point }) => {
        const clean = shard.clean(id)
        return { id, point: point.map((value, i) => value + stretch * (value - clean[i]!)) }
      })
      const fooled = await shard.judge(tried, 'bounds')
      for (const id of fooled) reached.add(id)
      open = open.filter(({ id }) => !fooled.has(id))
    }
    this.#removeFallen(reached)
  }

  get #area(): Area {
    return areas[this.#plugin.kind]
  }

  #rng(id: number, stream: Stream): Rng {
    const { seed, samples } = this.shard.job
    return createRng(seed, samples[id]!, ...stream)
  }

  #limitSight(): void {
    const { needs } = this.#plugin
    const mayReadScores = needs.includes('scores') || needs.includes('gradient')
    for (const sample of this.#samples) sample.mayReadScores = mayReadScores
  }

  /** One call at a time: rows are packed anew by each. */
  async #alone(call: () => Promise<void>): Promise<void> {
    if (this.#isBusy)
      throw new Error(`${this.#plugin.id} did not wait for its last step, gradient or score`)
    this.#isBusy = true
    try {
      await call()
    } finally {
      this.#isBusy = false
    }
  }

  #confine(area = this.#area): void {
    for (const { id, point } of this.#samples) this.shard.confine(id, point, area)
  }

  /** Scores of the model itself judge at once; those of a surrogate are only for the attack to read. */
  async #score(): Promise<void> {
    const { job } = this.shard
    this.#confine()
    const points = this.#settled()
    await this.#calls.score(points)
    if (job.surrogate || this.#plugin.kind === 'universal') {
      for (const { id } of this.#samples) this.shard.spend(id, { queries: job.eot ?? 1 })
      return
    }
    const scores = this.#living.column(filled.scores, job.model.classes, NaN)
    const reached = new Set<number>()
    for (const sample of this.#samples) {
      const { id, row } = sample
      const claim = { id, point: this.#living.row(points, row) }
      const reach = this.shard.record(claim, scores.row(row), this.#area)
      if (reach === Infinity) continue
      reached.add(id)
      // What stays in the ball has no closest example to come back to.
      if (this.#area === 'bounds') this.#keepClosest(claim, reach)
    }
    this.#removeFallen(reached)
  }

  /** After a gradient: its scores make claims, or (in minimum norm) examples to come back to. */
  async #look({ keep = () => true }: GradientOptions): Promise<void> {
    const fooled = this.#samples.filter((sample) => sample.isFooled)
    if (this.#area === 'ball') return this.#judge(fooled.map(({ id, point }) => ({ id, point })))
    const { threat, search } = this.shard.job
    if (this.shard.constraints.settles) return this.#lookAtSettled(fooled.filter(keep))
    const claims: Claim[] = []
    for (const sample of fooled) {
      if (!keep(sample) || !this.#keepClosest(sample) || search === 'closest') continue
      const { point, distance: reach } = this.#closest.get(sample.id)!
      if (reach <= threat.epsilon) claims.push({ id: sample.id, point })
    }
    await this.#judge(claims)
  }

  /** What a gradient saw is not what counts: an example is one only once its settled copy is judged. */
  async #lookAtSettled(fooled: readonly LivingSample[]): Promise<void> {
    const { shard } = this
    const claims = fooled
      .map(({ id, point }): Claim => {
        const copy = point.slice()
        shard.settle(id, copy, 'bounds')
        return { id, point: copy }
      })
      .filter(
        ({ id, point }) =>
          shard.distance(id, point) < (this.#closest.get(id)?.distance ?? Infinity),
      )
    const reached = await shard.judge(claims, 'bounds')
    for (const claim of claims) if (reached.has(claim.id)) this.#keepClosest(claim)
    this.#removeFallen(reached)
  }

  /** What counts of the living points: themselves, or settled copies. (living × size) */
  #settled(): Float32Array {
    const living = this.#living
    if (!this.shard.constraints.settles) return living.xAdv
    const points = living.xAdv.slice(0, living.count * living.size)
    for (const { id, row } of this.#samples)
      this.shard.settle(id, living.row(points, row), this.#area)
    return points
  }

  /** @returns whether it is the closest so far */
  #keepClosest({ id, point }: Claim, reach = this.shard.distance(id, point)): boolean {
    const known = this.#closest.get(id)
    if (!(reach < (known?.distance ?? Infinity))) return false
    if (!known) this.#closest.set(id, { point: point.slice(), distance: reach })
    else {
      known.point.set(point)
      known.distance = reach
    }
    return true
  }

  /** A surrogate's examples are shown to the model at the end only; of a universal attack only its last answer counts. */
  async #judge(claims: readonly Claim[], { isLast = false } = {}): Promise<void> {
    const { surrogate } = this.shard.job
    const waits = this.#plugin.kind === 'universal' || surrogate !== undefined
    if (waits && !isLast) return
    this.#removeFallen(await this.shard.judge(claims, this.#area))
  }

  #removeFallen(reached: ReadonlySet<number>): void {
    const { shard } = this
    if (this.#area === 'bounds' && shard.job.search === 'closest') return
    const isGone = (id: number): boolean => reached.has(id) && shard.hasFallen(id)
    this.#take(new Set(this.#samples.filter(({ id }) => isGone(id))))
    shard.standing = shard.standing.filter((id) => !isGone(id))
  }

  /** Out of the living rows, which are packed anew. */
  #take(samples: ReadonlySet<LivingSample>): void {
    if (samples.size === 0) return
    this.#living.remove(new Set([...samples].map(({ row }) => row)))
    this.#samples = this.#samples.filter((sample) => !samples.has(sample))
    this.#samples.forEach((sample, row) => {
      sample.row = row
    })
  }
}

/** What of a start an attack may see. */
export function contextOf(start: Start): AttackContext {
  const { job, size } = start.shard
  const { threat, model } = job
  const { lower, upper, scale, grain } = start.shard.constraints
  const context: AttackContext = {
    // A copy, frozen: what the host judges by is not within the reach of a plugin.
    threat: freezeAll(structuredClone(threat)),
    lower: lower.slice(),
    upper: upper.slice(),
    scale: scale.slice(),
    grain: grain.slice(),
    classes: model.classes,
    shape: [...model.prepared.sampleShape],
    sampleSize: size,
    get living() {
      return start.samples.length
    },
    get samples() {
      return start.samples
    },
    start: (from) => start.start(from),
    step: (options) => start.step(options),
    gradient: (options) => start.gradient(options),
    score: () => start.score(),
    propose: (write) => start.propose(write),
    note: (text) => void start.shard.notes.add(text),
    leave: (isDone) => start.leave(isDone),
    run: (plugin, options) => start.run(plugin, context, options),
  }
  return context
}

function freezeAll<T>(value: T): T {
  if (typeof value === 'object' && value !== null)
    Object.values(Object.freeze(value)).forEach(freezeAll)
  return value
}
