import { runAttack } from '../attack/host.js'
import type { AttackResult } from '../attack/job.js'
import { GauntletError } from '../errors.js'
import { attackedInput } from '../graph/passes/preprocess.js'
import { elementCount } from '../graph/tensor.js'
import { argmax, padRows, type ModelHandle } from '../model/handle.js'
import { isFusedNorm, type ThreatModel } from '../threat/threat-model.js'
import { greatestDistance, memo } from './measure.js'
import type { Examination } from './types.js'

/** Samples that forward passes are measured on, and that gradients are. */
const most = { clean: 256, gradients: 64 }

/** Passes that show whether the model is random, and how far apart their unit vectors may be. Source: AutoAttack's checks. */
const passes = { count: 5, samples: 32, apart: 1e-4 }

/**
 * - `gradient`: the network can be differentiated.
 * - `determinism`: two passes give the same scores, or what is measured would be the noise.
 * - `ball`: there is a threat model that gradient steps know, with an epsilon above 0.
 * - `right`: the network is right about some samples.
 */
export type Need = 'gradient' | 'determinism' | 'ball' | 'right'

export interface Samples {
  readonly n: number
  readonly x: Float32Array
  readonly labels: Int32Array
  /** Their positions in the examination. */
  readonly ids: readonly number[]
}

export interface Gradients {
  /** (n, ...sample), each scaled by a positive factor as `compileDirection` says. */
  readonly gradient: Float32Array
  /** (n) and (n, K). */
  readonly loss: Float32Array
  readonly logits: Float32Array
}

export interface Probe {
  readonly model?: ModelHandle
  readonly threat: ThreatModel
  readonly restarts?: number
  /** Added to the seed's streams: another one starts elsewhere. */
  readonly seed?: number
}

/** A model under examination: what several checks ask about it is measured once. */
export class Bench {
  readonly job: Examination
  /** Values per sample. */
  readonly size: number
  #logitsOnly: Promise<ModelHandle> | undefined

  constructor(job: Examination) {
    this.job = job
    this.size = elementCount(job.model.prepared.sampleShape)
  }

  get classes(): number {
    return this.job.model.classes
  }

  /** Range of the data, as the threat models declare it; else as it is. */
  get bounds(): readonly [number, number] {
    return this.job.threats[0]?.bounds ?? this.dataRange()
  }

  readonly dataRange = memo((): readonly [number, number] => {
    let [low, high] = [Infinity, -Infinity]
    for (const value of this.job.x) {
      if (value < low) low = value
      if (value > high) high = value
    }
    return [low, high]
  })

  /** What probes attack under: the first threat model that a gradient step knows, untargeted. */
  readonly threat = memo((): ThreatModel | null => {
    const { threats, attack } = this.job
    const found = threats.find(
      ({ norm, epsilon }) => isFusedNorm(norm) && attack.norms.includes(norm) && epsilon > 0,
    )
    return found ? { ...found, goal: { kind: 'untargeted' } } : null
  })

  take(ids: readonly number[]): Samples {
    const { job, size } = this
    const x = new Float32Array(ids.length * size)
    ids.forEach((id, i) => x.set(job.x.subarray(id * size, (id + 1) * size), i * size))
    return { n: ids.length, x, labels: Int32Array.from(ids, (id) => job.labels[id]!), ids }
  }

  first(count: number): Samples {
    const n = Math.min(count, this.job.samples.length)
    return this.take(Array.from({ length: n }, (_, i) => i))
  }

  /** Scores of the model as it is deployed. */
  scores(x: Float32Array, n: number): Promise<Float32Array> {
    this.checkCancelled()
    return this.job.model.scores(x, n, this.job.batch)
  }

  predictions(scores: Float32Array, classes = this.classes): Int32Array {
    return Int32Array.from({ length: scores.length / classes }, (_, i) =>
      argmax(scores, i * classes, classes),
    )
  }

  /** What the deployed model says of the first samples. */
  readonly clean = memo(async () => {
    const samples = this.first(most.clean)
    const scores = await this.scores(samples.x, samples.n)
    const predictions = this.predictions(scores)
    const right = samples.ids.filter((i) => predictions[i] === samples.labels[i])
    return { samples, scores, predictions, right, accuracy: right.length / samples.n }
  })

  /** Samples that the model is right about. */
  async right(count: number): Promise<Samples> {
    return this.take((await this.clean()).right.slice(0, count))
  }

  /** The logits that losses read, computed by the network that gradients are of. */
  async logits(x: Float32Array, n: number): Promise<Float32Array> {
    this.checkCancelled()
    const { model } = this.job
    this.#logitsOnly ??= this.reading(model.prepared.logits, model.classes)
    return (await this.#logitsOnly).scores(x, n, this.job.batch)
  }

  readonly cleanLogits = memo(async () => {
    const { samples } = await this.clean()
    return this.logits(samples.x, samples.n)
  })

  /** A handle whose scores are another value (N, width) of the differentiated network. */
  reading(value: string, width: number): Promise<ModelHandle> {
    const { model } = this.job
    const { prepared } = model
    const outputs = [{ name: value, dtype: 'float32' as const, dims: null }]
    return model.variant({
      ...prepared,
      forward: { ...prepared.graph, outputs },
      forwardOutput: value,
      head: 'logits',
      classes: width,
    })
  }

  /** Why the network cannot be differentiated; null if it can. */
  readonly refusal = memo(async (): Promise<string | null> => {
    try {
      await this.job.model.direction({ loss: 'margin', targeted: false })
      return null
    } catch (error) {
      if (!(error instanceof GauntletError) || error.code === 'GNT_INTERRUPTED') throw error
      return error.message
    }
  })

  readonly approximations = memo(
    async () =>
      (await this.job.model.direction({ loss: 'margin', targeted: false })).approximations,
  )

  async gradients(loss: 'ce' | 'margin', x: Float32Array, labels: Int32Array): Promise<Gradients> {
    const { model, batch } = this.job
    const { session } = await model.direction({ loss, targeted: false })
    const [n, { size, classes }] = [labels.length, this]
    const out = {
      gradient: new Float32Array(n * size),
      loss: new Float32Array(n),
      logits: new Float32Array(n * classes),
    }
    const step = model.rowsAtMost(batch)
    for (let from = 0; from < n; from += step) {
      this.checkCancelled()
      const count = Math.min(step, n - from)
      const rows = model.rowsFor(count)
      const own = new BigInt64Array(rows).fill(BigInt(labels[from]!))
      for (let i = 0; i < count; i++) own[i] = BigInt(labels[from + i]!)
      const outputs = await session.run({
        [attackedInput]: {
          dtype: 'float32',
          dims: [rows, ...model.prepared.sampleShape],
          data: padRows(x.subarray(from * size, (from + count) * size), size, rows),
        },
        labels: { dtype: 'int64', dims: [rows], data: own },
      })
      for (const [name, width] of [
        ['gradient', size],
        ['loss', 1],
        ['logits', classes],
      ] as const) {
        const values = outputs[name]!.data as Float32Array
        out[name].set(values.subarray(0, count * width), from * width)
      }
    }
    return out
  }

  /** Gradients at samples the model is right about: those are attacked. */
  readonly cleanGradients = memo(
    async (): Promise<Samples & Record<'ce' | 'margin', Gradients>> => {
      const samples = await this.right(most.gradients)
      const { x, labels } = samples
      const ce = await this.gradients('ce', x, labels)
      return { ...samples, ce, margin: await this.gradients('margin', x, labels) }
    },
  )

  /** How far apart several passes over the same samples are. */
  readonly randomness = memo(async () => {
    const { x, n, labels } = this.first(passes.samples)
    const accuracies: number[] = []
    let [apart, first] = [0, new Float32Array()]
    for (let pass = 0; pass < passes.count; pass++) {
      const scores = await this.scores(x, n)
      if (pass === 0) first = scores.slice()
      else apart = Math.max(apart, greatestDistance(first, scores, this.classes))
      const wrong = this.predictions(scores).filter((prediction, i) => prediction !== labels[i])
      accuracies.push(1 - wrong.length / n)
    }
    const isRandom = apart > passes.apart || new Set(accuracies).size > 1
    return { isRandom, apart, accuracies, passes: passes.count, samples: n }
  })

  async has(need: Need): Promise<boolean> {
    if (need === 'gradient') return (await this.refusal()) === null
    if (need === 'determinism') return !(await this.randomness()).isRandom
    if (need === 'ball') return this.threat() !== null
    return (await this.clean()).right.length > 0
  }

  /** The examination's attack with these parameters, on these samples. */
  attack(
    samples: Samples,
    params: Readonly<Record<string, unknown>>,
    { model = this.job.model, threat, restarts = 1, seed = this.job.seed }: Probe,
  ): Promise<AttackResult> {
    const { attack, batch, isCancelled } = this.job
    const parsed = attack.params.parse(params) as Readonly<Record<string, unknown>>
    const { id, version } = attack
    return runAttack({
      model,
      plugin: attack,
      spec: { attack: id, version, params: parsed, restarts, label: attack.label(parsed) },
      threat,
      x: samples.x,
      labels: samples.labels,
      samples: samples.ids.map((i) => this.job.samples[i]!),
      seed,
      batch,
      isCancelled,
    })
  }

  checkCancelled(): void {
    if (this.job.isCancelled()) throw new GauntletError('GNT_INTERRUPTED', { what: 'interrupted' })
  }

  async close(): Promise<void> {
    // Who asked for one that could not be opened has been told.
    await (await this.#logitsOnly?.catch(() => undefined))?.close()
  }
}
