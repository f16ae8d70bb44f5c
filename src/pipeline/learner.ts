import type { Dataset } from '../data/dataset.js'
import { encodeStored } from '../data/stored-npz.js'
import type { Graph } from '../graph/ir.js'
import type { PrepareOptions } from '../model/prepare.js'
import type { TrainingSpec } from '../plan/trial.js'
import { trainByCommand } from '../poison/command.js'
import { rowDigest } from '../poison/fed-rows.js'
import { trainModel, type TrainModelOptions } from '../poison/train-model.js'
import type { SessionOptions } from '../runtime/session.js'
import type { TrainingSet } from './samples.js'

/** What came out of a training. */
export interface Learned {
  readonly graph: Graph
  /** Of the rows that were watched, how many were fed as they are; null: the trainer cannot tell. */
  readonly fed: number | null
  readonly seconds: number
  /** Seconds inside ONNX Runtime; 0 for a command. */
  readonly secondsInRuntime: number
}

interface LearnOptions {
  readonly seed: number
  /** Rows that must reach the training as they are. */
  readonly watch?: readonly number[]
  readonly signal: AbortSignal
  /** Instead of the specification's; of the built-in trainer only. */
  readonly epochs?: number | undefined
}

/** The training pipeline of a version: each call is one training. Equal calls give equal models, if the command does. */
export type Learner = (set: TrainingSet, options: LearnOptions) => Promise<Learned>

export interface LearnerSettings {
  readonly spec: TrainingSpec
  /** The version's own network, and its file. */
  readonly graph: Graph
  readonly path: string
  /** How samples become its input. */
  readonly input: PrepareOptions
  /** The training data: their shape, and how their file holds them. */
  readonly dataset: Dataset
  readonly session: SessionOptions
}

export function createLearner(settings: LearnerSettings): Learner {
  return settings.spec.kind === 'command' ? commandLearner(settings) : builtInLearner(settings)
}

function commandLearner({ spec, path, dataset }: LearnerSettings): Learner {
  return async ({ x, labels }, { seed, signal }) => {
    if (spec.kind !== 'command') throw new Error('not a command')
    const start = performance.now()
    const data = encodeStored(dataset, x, labels)
    const graph = await trainByCommand(spec, { data, base: path, seed, signal })
    const seconds = (performance.now() - start) / 1000
    return { graph, fed: null, seconds, secondsInRuntime: 0 }
  }
}

function builtInLearner({ spec, graph, input, dataset, session }: LearnerSettings): Learner {
  const options = optionsOf(spec, input)
  return async ({ x, labels }, { seed, signal, watch = [], epochs = options.epochs }) => {
    const start = performance.now()
    const data = { x, labels, shape: dataset.shape }
    const trained = await trainModel({
      graph,
      data,
      options: { ...options, epochs },
      seed,
      watch,
      signal,
      session,
    })
    const size = x.length / labels.length
    const isFed = (row: number, steps: number, digests: readonly string[]): boolean => {
      const own = rowDigest(x.subarray(row * size, (row + 1) * size), labels[row]!)
      return steps > 0 && digests.every((digest) => digest === own)
    }
    const { watched } = trained.fed
    const fed = watched.filter(({ row, steps, digests }) => isFed(row, steps, digests)).length
    const seconds = (performance.now() - start) / 1000
    return { graph: trained.graph, fed, seconds, secondsInRuntime: trained.seconds }
  }
}

/** A specification is JSON that the configuration's schema wrote: what the trainer takes, by the same names. */
function optionsOf(spec: TrainingSpec, input: PrepareOptions): TrainModelOptions {
  if (spec.kind !== 'built-in') throw new Error('not the built-in trainer')
  const { from, epochs, batch, settings } = spec
  return {
    ...(settings as unknown as Pick<TrainModelOptions, 'optimizer' | 'learningRate'>),
    epochs,
    batch,
    weights: from === 'scratch' ? 'fresh' : 'given',
    parameters: from === 'head' ? 'head' : 'all',
    input,
  }
}
