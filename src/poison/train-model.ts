import { GauntletError } from '../errors.js'
import type { Graph } from '../graph/ir.js'
import { elementCount } from '../graph/tensor.js'
import { argmax } from '../model/handle.js'
import type { SessionOptions } from '../runtime/session.js'
import { checkRange } from '../step/optimizers/optimizer.js'
import { createRng } from '../util/rng.js'
import { range, shuffle } from '../util/shuffle.js'
import { augment, checkAugmentation, type Augmentation } from './augment.js'
import { FedRecord, type FedRows } from './fed-rows.js'
import { checkSchedule, rateFactor, type Schedule } from './schedule.js'
import { Trainer, type TrainerOptions } from './trainer.js'

/** Labelled samples: what a `Dataset` has. */
export interface TrainingData {
  /** (labels.length, …shape), C order; `x / divisor` is in the data's units. */
  readonly x: Float32Array | Uint8Array
  readonly labels: ArrayLike<number>
  /** Shape of one sample, channels first for images. */
  readonly shape: readonly number[]
  /** 255 for 8-bit pixels in [0, 1]. Default 1. */
  readonly divisor?: number | undefined
}

export interface TrainModelOptions extends Omit<TrainerOptions, 'seed'> {
  readonly epochs: number
  /** Rows of a step. Default 64. */
  readonly batch?: number | undefined
  /** The rest of the rows, fewer than a batch, is left out of each epoch. Default false. */
  readonly dropLast?: boolean | undefined
  readonly learningRate: number
  /** Default: constant. */
  readonly schedule?: Schedule | undefined
  readonly augmentation?: Augmentation | undefined
}

export interface TrainingRequest {
  /** A classifier; not modified. */
  readonly graph: Graph
  readonly data: TrainingData
  readonly options: TrainModelOptions
  /** Of new weights, order, augmentation and Dropout. */
  readonly seed: number
  /** Rows of the data whose way into training is taken down. */
  readonly watch?: readonly number[] | undefined
  /** Looked at between steps; what it was aborted with is thrown. */
  readonly signal?: AbortSignal | undefined
  /** Called after each step. */
  readonly onProgress?: ((progress: TrainingProgress) => void) | undefined
  readonly session?: SessionOptions | undefined
}

export interface TrainingProgress {
  /** From 1, of all. */
  readonly epoch: number
  readonly epochs: number
  /** Steps done, of all. */
  readonly step: number
  readonly steps: number
  /** Mean loss of the step's batch. */
  readonly loss: number
}

export interface EpochRecord {
  readonly epoch: number
  /** Means over the rows of the epoch, each under the weights of its step, in training mode. */
  readonly loss: number
  readonly accuracy: number
  /** Of the last step. */
  readonly learningRate: number
}

export interface TrainedModel {
  /** The graph that was given, in inference form, with new weights and running statistics. */
  readonly graph: Graph
  readonly history: readonly EpochRecord[]
  readonly steps: number
  /** Wall seconds inside ONNX Runtime. */
  readonly seconds: number
  readonly fed: FedRows
  /** Names of the initializers that were trained. */
  readonly parameters: readonly string[]
}

/**
 * Trains a classifier. Each epoch goes through all rows once, in a new order. The last batch of an epoch has the rows
 * that are left; it is left out with `dropLast`, and where a single row is left and the network reads statistics of its
 * batch. Order, augmentation and Dropout depend on the seed, the epoch, the row and the step alone: equal requests give
 * equal models on equal processors.
 *
 * @throws GNT_TRAIN_DIVERGED when the loss is no longer a number; GNT_DATA_SHAPE; what `Trainer.open` throws
 */
export async function trainModel(request: TrainingRequest): Promise<TrainedModel> {
  const { graph, data, options, seed, session } = request
  check(request)
  const input = { sampleShape: data.shape, ...options.input }
  const trainer = await Trainer.open(graph, { ...options, seed, input }, session)
  try {
    checkLabels(data, trainer.model.classes)
    const loop = new Loop(request, trainer)
    const history: EpochRecord[] = []
    for (let epoch = 0; epoch < options.epochs; epoch++) history.push(await loop.epoch(epoch))
    const { step: steps, fed } = loop
    const { seconds, names: parameters } = trainer
    return { graph: trainer.graph(), history, steps, seconds, fed: fed.result(), parameters }
  } finally {
    await trainer.close()
  }
}

class Loop {
  step = 0
  readonly fed: FedRecord
  readonly #request: TrainingRequest
  readonly #trainer: Trainer
  readonly #count: number
  readonly #batch: number
  /** Steps of an epoch. */
  readonly #steps: number

  constructor(request: TrainingRequest, trainer: Trainer) {
    const { data, options, watch = [] } = request
    this.#request = request
    this.#trainer = trainer
    this.#count = data.labels.length
    this.#batch = Math.min(options.batch ?? defaultBatch, this.#count)
    const rest = this.#count % this.#batch
    const isUsed = rest >= trainer.leastRows && options.dropLast !== true
    this.#steps = Math.floor(this.#count / this.#batch) + (isUsed ? 1 : 0)
    this.fed = new FedRecord(watch)
  }

  async epoch(epoch: number): Promise<EpochRecord> {
    const { options, seed, signal, onProgress } = this.#request
    const { epochs, schedule = { kind: 'constant' } } = options
    const order = shuffle(
      new Int32Array(range(this.#count)),
      createRng('training order', seed, epoch),
    )
    const steps = this.#steps * epochs
    let [rows, loss, right, learningRate] = [0, 0, 0, 0]
    for (let k = 0; k < this.#steps; k++) {
      signal?.throwIfAborted()
      const chosen = order.subarray(k * this.#batch, (k + 1) * this.#batch)
      const { x, labels } = this.#take(chosen, epoch)
      learningRate = options.learningRate * rateFactor(schedule, { step: this.step, steps, epoch })
      const result = await this.#trainer.train(x, labels, learningRate)
      this.step++
      if (!Number.isFinite(result.loss)) throw diverged(this.step, epoch, learningRate)
      rows += labels.length
      loss += result.loss * labels.length
      right += countRight(result.logits, labels)
      onProgress?.({ epoch: epoch + 1, epochs, step: this.step, steps, loss: result.loss })
    }
    return { epoch: epoch + 1, loss: loss / rows, accuracy: right / rows, learningRate }
  }

  #take(rows: Int32Array, epoch: number): { x: Float32Array; labels: Int32Array } {
    const { data, options, seed } = this.#request
    const { shape, divisor = 1 } = data
    const size = elementCount(shape)
    const x = new Float32Array(rows.length * size)
    const labels = Int32Array.from(rows, (row) => data.labels[row]!)
    rows.forEach((row, k) => {
      const sample = x.subarray(k * size, (k + 1) * size)
      sample.set(data.x.subarray(row * size, (row + 1) * size))
      if (divisor !== 1) for (let i = 0; i < size; i++) sample[i]! /= divisor
      this.fed.note(row, sample, labels[k]!)
      if (options.augmentation)
        augment(sample, shape, options.augmentation, createRng('augment', seed, epoch, row))
    })
    return { x, labels }
  }
}

const defaultBatch = 64

function countRight(logits: Float32Array, labels: Int32Array): number {
  const classes = logits.length / labels.length
  return labels.reduce(
    (right, label, i) => right + (argmax(logits, i * classes, classes) === label ? 1 : 0),
    0,
  )
}

function diverged(step: number, epoch: number, learningRate: number): GauntletError {
  return new GauntletError('GNT_TRAIN_DIVERGED', {
    what: 'the training diverged: its loss is not a finite number',
    where: `step ${step}, epoch ${epoch + 1}`,
    got: `learning rate ${learningRate}`,
    fix: `lower the learning rate (try ${Number((learningRate / 10).toPrecision(2))}), or set clipNorm to 1`,
  })
}

const isCount = (value: number): boolean => Number.isInteger(value) && value >= 1

function check({ data, options }: TrainingRequest): void {
  const { shape, labels, x } = data
  checkRange('wrong number of epochs', options.epochs, isCount, 'a whole number from 1')
  checkRange('wrong batch', options.batch ?? defaultBatch, isCount, 'a whole number from 1')
  checkRange('wrong learning rate', options.learningRate, (rate) => rate > 0, 'a positive number')
  if (options.schedule) checkSchedule(options.schedule)
  if (options.augmentation) checkAugmentation(options.augmentation, shape)
  const expected = labels.length * elementCount(shape)
  if (labels.length === 0 || x.length !== expected)
    throw new GauntletError('GNT_DATA_SHAPE', {
      what: labels.length === 0 ? 'there is nothing to train on' : 'samples and labels do not fit',
      got: `${x.length} values, ${labels.length} labels`,
      expected: labels.length === 0 ? 'one sample at least' : `${expected} values`,
    })
}

function checkLabels({ labels }: TrainingData, classes: number): void {
  const at = Array.from(labels).findIndex(
    (label) => !Number.isInteger(label) || label < 0 || label >= classes,
  )
  if (at === -1) return
  throw new GauntletError('GNT_DATA_VALUES', {
    what: 'a label is no class of the model',
    where: `sample ${at}`,
    got: String(labels[at]),
    expected: `0 to ${classes - 1}`,
  })
}
