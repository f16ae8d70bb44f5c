import type { Graph } from '../graph/ir.js'
import { elementCount } from '../graph/tensor.js'
import { argmax, ModelHandle } from '../model/handle.js'
import { prepareModel, type PrepareOptions } from '../model/prepare.js'
import { createRng } from '../util/rng.js'
import { linearClasses, linearGraph, linearShape, type KnownSample } from './known-answer.js'
import { convolution, smallNetwork } from './networks.js'

/** A model and what it is attacked on. */
export interface Ground {
  readonly model: ModelHandle
  /** Values per sample. */
  readonly size: number
  /** (n, ...sample) in [0, 1]. */
  readonly x: Float32Array
  readonly labels: Int32Array
}

/** Odd sizes: rows begin at addresses of every alignment. */
const smallShape = [1, 3, 5] as const
const smallClasses = 5

/** A multilayer perceptron and 40 samples, of which it gets every fifth wrong. */
export async function smallGround(): Promise<Ground> {
  // Centred, so that each class is predicted now and then.
  const graph = smallNetwork(smallShape, smallClasses, 16)
  const ground = await groundOf(graph, smallShape, 40, { mean: [0.5], std: [0.2] })
  if (new Set(ground.labels).size !== smallClasses)
    throw new Error('the small network does not predict every class')
  const labels = ground.labels.map((label, i) => (isWrong(i) ? (label + 1) % smallClasses : label))
  return { ...ground, labels }
}

/** Whether the small network gets the sample wrong. */
export const isWrong = (sample: number): boolean => sample % 5 === 4

/** A convolution, which runs by other kernels and in another layout than matrices do, and 11 samples. */
export function convolutionGround(): Promise<Ground> {
  const shape = [2, 7, 7] as const
  return groundOf(convolution(shape, 4, 6), shape, 11, { mean: [0.5], std: [0.2] })
}

/** The linear model, on the samples given. */
export async function linearGround(samples: readonly KnownSample[]): Promise<Ground> {
  const model = await openOf(linearGraph(), {})
  const size = elementCount(linearShape)
  const x = new Float32Array(samples.length * size)
  samples.forEach((sample, i) => x.set(sample.x, i * size))
  const labels = Int32Array.from(samples, ({ label }) => label)
  const predictions = await predictionsOf(model, x, labels.length)
  if (model.classes !== linearClasses || predictions.some((label, i) => label !== labels[i]))
    throw new Error('the linear model does not know its samples')
  return { model, size, x, labels }
}

async function groundOf(
  graph: Graph,
  shape: readonly number[],
  n: number,
  options: PrepareOptions,
): Promise<Ground> {
  const model = await openOf(graph, options)
  const size = elementCount(shape)
  const rng = createRng('plugin-kit', 'samples', ...shape)
  const x = Float32Array.from({ length: n * size }, () => rng.uniform())
  return { model, size, x, labels: await predictionsOf(model, x, n) }
}

async function openOf(graph: Graph, options: PrepareOptions): Promise<ModelHandle> {
  return ModelHandle.open(await prepareModel(graph, options))
}

/** What the model itself says of each sample. */
export async function predictionsOf(
  model: ModelHandle,
  x: Float32Array,
  n: number,
): Promise<Int32Array> {
  const scores = await model.scores(x, n, n)
  return Int32Array.from({ length: n }, (_, i) => argmax(scores, i * model.classes, model.classes))
}
