import { GauntletError } from '../errors.js'
import type { ModelHandle } from '../model/handle.js'
import type { Feed } from '../runtime/session.js'
import { ascend } from '../threat/ascend.js'
import { isFusedNorm, normLabels, type FusedNorm } from '../threat/threat-model.js'
import { steepest, stateNames, type UpdateRule } from '../step/update-rule.js'
import { checkStepSize } from './checks.js'
import { lossFeeds, stateFeeds, updateFeeds, type Rows } from './feeds.js'
import type { Column, Living } from './living.js'
import { add, averageScores, scale as multiply } from './random-model.js'
import { filled, type LivingSample } from './sample.js'
import type { Claim, Shard } from './shard.js'
import type { LossOptions, StepOptions } from './types.js'

/** The calls of ONNX Runtime behind a context: on all living samples, batch by batch, with what they cost. */
export class Calls {
  readonly #shard: Shard
  readonly #living: Living
  /** Where scores and gradients come from. */
  readonly #model: ModelHandle

  constructor(shard: Shard, living: Living) {
    this.#shard = shard
    this.#living = living
    this.#model = shard.job.surrogate ?? shard.job.model
  }

  /**
   * Fills the samples' scores.
   * @param at - (living × size), or more: what is asked about
   */
  async score(at: Float32Array): Promise<void> {
    const living = this.#living
    this.#shard.checkCancelled()
    const points = at.subarray(0, living.count * living.size)
    const scores = await averageScores(this.#shard.job, this.#model, points, living.count)
    living.column(filled.scores, this.#model.classes, NaN).data.set(scores)
  }

  /** Fills the samples' gradients, losses and scores: means over the passes of a random model. */
  async gradient(samples: readonly LivingSample[], options: LossOptions): Promise<void> {
    const { eot = 1 } = this.#shard.job
    const living = this.#living
    const model = this.#model
    const targets = this.#targetsOf(samples, options)
    const { session, approximations } = await model.direction({
      loss: options.loss,
      targeted: targets !== null,
    })
    for (const note of approximations) this.#shard.notes.add(note)
    const columns: [string, Column][] = [
      ['gradient', living.column(filled.gradient, living.size)],
      ['loss', living.column(filled.loss, 1, NaN)],
      ['logits', living.column(filled.scores, model.classes, NaN)],
    ]
    await this.#inBatches(async (part) => {
      const feeds = lossFeeds(model, living, part, targets)
      const totals = columns.map(([, column]) => column.rows(part.from, part.count))
      // One pass writes the gradient to where it stays; a padded call has more rows than there is room for.
      const dims = [part.rows, ...model.prepared.sampleShape]
      const isInPlace = eot === 1 && part.count === part.rows
      const room: Record<string, Feed> = isInPlace
        ? { gradient: { dtype: 'float32', dims, data: totals[0]! } }
        : {}
      for (let pass = 0; pass < eot; pass++) {
        const outputs = await session.run(feeds, room)
        columns.forEach(([name], k) => {
          if (name in room) return
          const values = (outputs[name]!.data as Float32Array).subarray(0, totals[k]!.length)
          if (pass === 0) totals[k]!.set(values)
          else add(totals[k]!, values)
        })
      }
      if (eot > 1) for (const total of totals) multiply(total, 1 / eot)
    })
    for (const { id } of samples) this.#shard.spend(id, { queries: eot, gradients: eot })
  }

  /** @returns the points that a step started from and that reach the goal by its own scores */
  async step(samples: readonly LivingSample[], options: StepOptions): Promise<Claim[]> {
    const { threat, eot = 1 } = this.#shard.job
    const { isUniform, scale } = this.#shard.constraints
    checkStepSize(options.stepSize)
    const { norm } = threat
    if (!isFusedNorm(norm))
      throw new GauntletError('GNT_ATTACK_NEEDS', {
        what: `there is no gradient step in ${normLabels[norm]}`,
        fix: 'an attack in this norm moves its points itself, from context.gradient',
      })
    if (eot === 1) return this.#fusedStep(samples, options, norm)
    if (options.update)
      throw new GauntletError('GNT_ATTACK_NEEDS', {
        what: 'an update rule of its own is not averaged over passes',
        fix: 'run the attack without eot, or use context.gradient',
      })
    await this.gradient(samples, options)
    const claims = this.#fooled(samples)
    for (const { point, gradient } of samples)
      ascend(norm, point, gradient, {
        size: options.stepSize,
        bounds: threat.bounds,
        ...(isUniform ? {} : { scale }),
      })
    return claims
  }

  async #fusedStep(
    samples: readonly LivingSample[],
    { update = steepest, stepSize, ...options }: StepOptions,
    norm: FusedNorm,
  ): Promise<Claim[]> {
    const { threat } = this.#shard.job
    const { isUniform, scale } = this.#shard.constraints
    const [living, model] = [this.#living, this.#model]
    const targets = this.#targetsOf(samples, options)
    const { session, approximations } = await model.step({
      loss: options.loss,
      norm,
      targeted: targets !== null,
      bounds: threat.bounds,
      rule: update,
      perValue: !isUniform,
    })
    for (const note of approximations) this.#shard.notes.add(note)
    const state = this.#stateOf(update)
    const claims: Claim[] = []
    const size = isUniform ? stepSize : scale.map((factor) => factor * stepSize)
    await this.#inBatches(async (part) => {
      const { from, count, rows } = part
      const feeds = {
        ...lossFeeds(model, living, part, targets),
        ...updateFeeds(model, this.#shard, living, { ...part, stepSize: size }),
        ...stateFeeds(model, state, part),
      }
      const { sampleShape } = model.prepared
      const floats = (data: Float32Array, shape: readonly number[]): Feed => ({
        dtype: 'float32',
        dims: [rows, ...shape],
        data,
      })
      const room: Record<string, Feed> = {
        x_next: floats(living.nextRows(from, count), sampleShape),
      }
      for (const [key, column] of state) {
        const shape = column.width === 1 ? sampleShape.map(() => 1) : sampleShape
        room[stateNames(key).output] = floats(column.nextRows(from, count), shape)
      }
      const isInPlace = count === rows
      const outputs = await session.run(feeds, isInPlace ? room : {})
      const values = (name: string, most: number): Float32Array =>
        (outputs[name]!.data as Float32Array).subarray(0, most)
      // A padded call has more rows than there is room for.
      if (!isInPlace)
        for (const [name, { data }] of Object.entries(room))
          (data as Float32Array).set(values(name, data.length))
      living.column(filled.loss, 1, NaN).rows(from, count).set(values('loss', count))
      const scores = living.column(filled.scores, model.classes, NaN).rows(from, count)
      scores.set(values('logits', scores.length))
      claims.push(...this.#fooled(samples.slice(from, from + count)))
    })
    living.swap()
    for (const column of state.values()) column.swap()
    for (const { id } of samples) this.#shard.spend(id, { queries: 1, gradients: 1 })
    return claims
  }

  /** Those whose scores reach the goal, and copies of their points. */
  #fooled(samples: readonly LivingSample[]): Claim[] {
    return samples
      .filter(({ isFooled }) => isFooled)
      .map(({ id, point }) => ({ id, point: point.slice() }))
  }

  /** The classes that a loss goes towards, one a living row; null for none. */
  #targetsOf(samples: readonly LivingSample[], { towards }: LossOptions): BigInt64Array | null {
    const living = this.#living
    if (!towards) return this.#shard.job.threat.goal.kind === 'targeted' ? living.targets : null
    samples.forEach((sample, row) => {
      living.towards[row] = BigInt(towards(sample))
    })
    return living.towards
  }

  #stateOf({ state }: UpdateRule): ReadonlyMap<string, Column> {
    return new Map(
      Object.entries(state).map(([key, kind]) => [
        key,
        this.#living.column(stateNames(key).input, kind === 'sample' ? this.#living.size : 1),
      ]),
    )
  }

  async #inBatches(call: (part: Rows) => Promise<void>): Promise<void> {
    const [model, living] = [this.#model, this.#living]
    const most = model.rowsAtMost(this.#shard.job.batch)
    for (let from = 0; from < living.count; from += most) {
      this.#shard.checkCancelled()
      const count = Math.min(most, living.count - from)
      await call({ from, count, rows: model.rowsFor(count) })
    }
  }
}
