import type { Graph } from '../../graph/ir.js'
import { FeatureModel } from '../../model/features.js'
import { ModelHandle } from '../../model/handle.js'
import { prepareModel, type PrepareOptions } from '../../model/prepare.js'
import { trainModel } from '../../poison/train-model.js'
import { createRng } from '../../util/rng.js'
import type { AuditModel, AuditSource } from '../types.js'
import { auditNetwork } from './lib/architecture.js'
import { softmax } from './lib/softmax.js'
import { drawSubset, type Subset } from './lib/subset.js'

export interface OpenModel extends AuditModel {
  readonly classes: number
  close(): Promise<void>
}

const scoreBatch = 256

/** A classifier as detectors see it. @throws as `prepareModel`, and where it has no linear layer at its end */
export async function openAuditModel(graph: Graph, options: PrepareOptions): Promise<OpenModel> {
  const prepared = await prepareModel(graph, options)
  const handle = await ModelHandle.open(prepared)
  const size = prepared.sampleShape.reduce((product, side) => product * side, 1)
  try {
    const model = await FeatureModel.open(prepared)
    return {
      featureWidth: model.width,
      classes: handle.classes,
      features: (x) => model.features(x, x.length / size),
      scores: (x) => handle.scores(x, x.length / size, scoreBatch),
      async close() {
        await model.close()
        await handle.close()
      },
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

interface TrainOptions {
  readonly seed: number | string
  /** Samples that take part; default all. */
  readonly isIn?: (index: number) => boolean
  checkpoint(): void
  onEpoch?(epoch: number, epochs: number): void
}

/**
 * How many networks look at the data. Whether poison stands apart in the features of one is a matter of its first weights,
 * by all or nothing; of two, one is enough.
 */
const networks = 2

/** Networks trained on the data under audit, as one model: the features of all side by side, and the mean of their scores. */
export async function trainAuditModel(
  source: AuditSource,
  { seed, onEpoch, ...options }: Omit<TrainOptions, 'isIn'>,
): Promise<OpenModel> {
  const models: OpenModel[] = []
  try {
    for (let k = 0; k < networks; k++) {
      const graph = await trainNetwork(source, {
        ...options,
        seed: k === 0 ? seed : `${seed}/network/${k}`,
        onEpoch: (epoch, epochs) => onEpoch?.(k * epochs + epoch, networks * epochs),
      })
      models.push(await openAuditModel(graph, { sampleShape: source.shape, range: source.range }))
    }
  } catch (error) {
    for (const model of models) await model.close()
    throw error
  }
  return sideBySide(models)
}

function sideBySide(models: readonly OpenModel[]): OpenModel {
  const featureWidth = models.reduce((sum, model) => sum + model.featureWidth, 0)
  return {
    featureWidth,
    classes: models[0]!.classes,
    async features(x) {
      const parts: Float32Array[] = []
      for (const model of models) parts.push(await model.features(x))
      const out = new Float32Array((parts[0]!.length / models[0]!.featureWidth) * featureWidth)
      let at = 0
      models.forEach(({ featureWidth: width }, k) => {
        for (let row = 0; row * featureWidth < out.length; row++)
          out.set(parts[k]!.subarray(row * width, (row + 1) * width), row * featureWidth + at)
        at += width
      })
      return out
    },
    async scores(x) {
      const all: Float32Array[] = []
      for (const model of models) all.push(await model.scores(x))
      return all[0]!.map((_, i) => all.reduce((sum, one) => sum + one[i]!, 0) / all.length)
    },
    async close() {
      for (const model of models) await model.close()
    },
  }
}

const batchSize = 64
const learningRate = 0.05
/** Samples that training sees in all, over its epochs. */
const seenSamples = 30_000
const mostEpochs = 40

/**
 * Trains a small network on the data under audit, poison and all: what poison does to features, it does there. Of more
 * than 50 000 samples a random part.
 * Source of the schedule: Loshchilov & Hutter 2017, arXiv:1608.03983, without restarts.
 */
async function trainNetwork(source: AuditSource, options: TrainOptions): Promise<Graph> {
  const { isIn = () => true, checkpoint, seed } = options
  const rng = createRng('audit training', seed)
  const { x, labels } = await drawSubset(source, isIn, rng.fork('subset'), checkpoint)
  const { shape, classes } = source
  const { graph, parameters } = auditNetwork({
    shape,
    classes,
    seed: String(seed),
    ...statistics({ x, labels }, shape),
  })
  const epochs = Math.min(mostEpochs, Math.max(2, Math.round(seenSamples / labels.length)))
  const trained = await trainModel({
    graph,
    data: { x, labels, shape },
    options: {
      loss: 'ce',
      parameters,
      optimizer: { kind: 'sgd', momentum: 0.9, weightDecay: 5e-4 },
      epochs,
      batch: batchSize,
      learningRate,
      schedule: { kind: 'cosine', warmUp: 0.05 },
    },
    seed: rng.uint32(),
    onProgress({ epoch }) {
      checkpoint()
      options.onEpoch?.(epoch, epochs)
    },
  })
  return trained.graph
}

/** Mean and deviation of each channel of pictures, and of each value of anything else; never 0 to divide by. */
function statistics({ x, labels }: Subset, shape: readonly number[]) {
  const size = x.length / labels.length
  const groups = shape.length === 3 ? shape[0]! : size
  const plane = size / groups
  const sums = new Float64Array(groups)
  const squares = new Float64Array(groups)
  for (let i = 0; i < x.length; i++) {
    const group = Math.floor((i % size) / plane)
    sums[group]! += x[i]!
    squares[group]! += x[i]! ** 2
  }
  const count = x.length / groups
  const mean = Float32Array.from(sums, (sum) => sum / count)
  const std = Float32Array.from(squares, (square, i) => {
    const deviation = Math.sqrt(Math.max(0, square / count - mean[i]! ** 2))
    return deviation > 1e-6 * Math.max(1e-6, Math.abs(mean[i]!)) ? deviation : 1
  })
  return { mean, std }
}

/**
 * Probabilities of each sample by a network that was trained without it: `folds` networks, each on all but its share.
 * @returns (count, classes)
 */
export async function crossValidate(
  source: AuditSource,
  folds: number,
  options: Omit<TrainOptions, 'isIn' | 'onEpoch'> & { onFold?(fold: number): void },
): Promise<Float32Array> {
  const rng = createRng('audit folds', options.seed)
  const fold = Uint8Array.from({ length: source.count }, () => rng.below(folds))
  const out = new Float32Array(source.count * source.classes)
  for (let left = 0; left < folds; left++) {
    const graph = await trainNetwork(source, {
      seed: `${options.seed}/${left}`,
      isIn: (index) => fold[index] !== left,
      checkpoint: options.checkpoint,
    })
    const model = await openAuditModel(graph, { sampleShape: source.shape, range: source.range })
    try {
      for await (const { from, x, labels } of source.batches()) {
        options.checkpoint()
        const scores = await model.scores(x)
        labels.forEach((_, r) => {
          if (fold[from + r] !== left) return
          out.set(softmax(scores, r, source.classes), (from + r) * source.classes)
        })
      }
    } finally {
      await model.close()
    }
    options.onFold?.(left + 1)
  }
  return out
}
