import type { Graph, Node, Tensor } from '../../src/graph/ir.js'
import { elementCount, tensorOfFloats } from '../../src/graph/tensor.js'
import { argmax, ModelHandle } from '../../src/model/handle.js'
import { prepareModel, type PreparedModel, type PrepareOptions } from '../../src/model/prepare.js'
import { attackedInput } from '../../src/graph/passes/preprocess.js'
import { encodeModel } from '../../src/onnx/encode.js'
import { Session, type Feed } from '../../src/runtime/session.js'
import { compileGradient } from '../../src/step/compile.js'
import type { LossName } from '../../src/step/losses.js'
import { createRng } from '../../src/util/rng.js'
import { graphOf, nodeOf, type GraphSketch } from './graphs.js'

/** Seeded normal values times `scale`. */
export function noiseOf(dims: readonly number[], scale = 1, ...seed: (string | number)[]): Tensor {
  const rng = createRng('network', ...dims, ...seed)
  return tensorOfFloats(
    dims,
    Array.from({ length: elementCount(dims) }, () => scale * rng.normal()),
  )
}

/** n samples of `shape`, uniform in [low, high). */
export function samplesOf(
  n: number,
  shape: readonly number[],
  seed: string | number = 0,
  [low, high]: readonly [number, number] = [0, 1],
): Float32Array {
  const rng = createRng('samples', seed)
  const length = n * elementCount(shape)
  return Float32Array.from({ length }, () => low + (high - low) * rng.uniform())
}

/** Flatten → Gemm → Relu → Gemm: (batch, ...shape) → (batch, classes), input `x`, output `y`. */
export function mlpOf(
  shape: readonly number[],
  classes: number,
  sketch: Partial<GraphSketch> & { batch?: number | string; hidden?: number } = {},
): Graph {
  const { batch = 'N', hidden = 12, ...rest } = sketch
  const features = elementCount(shape)
  return graphOf({
    inputs: { x: [batch, ...shape] },
    initializers: {
      w1: noiseOf([features, hidden], 1.5 / Math.sqrt(features), 'w1'),
      b1: noiseOf([hidden], 0.1, 'b1'),
      w2: noiseOf([hidden, classes], 1.5 / Math.sqrt(hidden), 'w2'),
      b2: noiseOf([classes], 0.1, 'b2'),
    },
    nodes: [
      nodeOf('Flatten', ['x'], ['flat'], { axis: 1 }),
      nodeOf('Gemm', ['flat', 'w1', 'b1'], ['h']),
      nodeOf('Relu', ['h'], ['a']),
      nodeOf('Gemm', ['a', 'w2', 'b2'], ['y']),
    ],
    ...rest,
  })
}

/** A network of one matrix: logits = flat(x)·w + b, w (features, classes). */
export function linearOf(
  shape: readonly number[],
  weights: readonly (readonly number[])[],
  bias: readonly number[],
): Graph {
  const features = elementCount(shape)
  const rows = Array.from({ length: features }, (_, i) => weights.map((column) => column[i]!))
  return graphOf({
    inputs: { x: ['N', ...shape] },
    initializers: {
      w: tensorOfFloats([features, weights.length], rows.flat()),
      b: tensorOfFloats([weights.length], bias),
    },
    nodes: [
      nodeOf('Flatten', ['x'], ['flat'], { axis: 1 }),
      nodeOf('Gemm', ['flat', 'w', 'b'], ['y']),
    ],
  })
}

/** The graph with more nodes after it, which read `y`; its output becomes the last one's. */
export function withTail(
  graph: Graph,
  nodes: readonly Node[],
  initializers: Readonly<Record<string, Tensor>> = {},
): Graph {
  return {
    ...graph,
    nodes: [...graph.nodes, ...nodes],
    initializers: { ...graph.initializers, ...initializers },
    outputs: [{ name: nodes.at(-1)!.outputs[0]!, dtype: 'float32', dims: null }],
  }
}

export async function openModel(graph: Graph, options: PrepareOptions = {}): Promise<ModelHandle> {
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

/** A graph's outputs for the given feeds, in ONNX Runtime. */
export async function runGraph(
  model: Graph | Uint8Array,
  feeds: Readonly<Record<string, Feed>>,
): Promise<Record<string, Feed>> {
  const session = await Session.open(model instanceof Uint8Array ? model : encodeModel(model))
  try {
    return await session.run(feeds)
  } finally {
    await session.close()
  }
}

export const floatsFeed = (dims: readonly number[], data: Float32Array): Feed => ({
  dtype: 'float32',
  dims,
  data,
})

export const classesFeed = (values: readonly number[]): Feed => ({
  dtype: 'int64',
  dims: [values.length],
  data: BigInt64Array.from(values, BigInt),
})

export interface GradientCheck {
  readonly loss: LossName
  readonly range?: readonly [number, number]
}

/** Fractions of the range: a long step crosses kinks, a short one drowns in rounding; a wrong gradient fits none. */
const steps = [1e-2, 1e-3, 1e-4, 1e-5]

/**
 * Greatest deviation of the compiled gradient from a central difference of the loss, over two random
 * directions, relative to Σ |gradient · direction| of a batch of two samples. Null where the network is flat.
 */
async function gradientErrorAt(
  model: PreparedModel,
  check: GradientCheck & { readonly seed: number },
): Promise<number | null> {
  const { loss, range = [0, 1], seed } = check
  const { graph } = compileGradient(model, { loss, targeted: false })
  const n = model.batch ?? 2
  const dims = [n, ...model.sampleShape]
  const contrast = createRng('contrast', seed).uniform() ** 2
  const high = range[0] + contrast * (range[1] - range[0])
  const x = samplesOf(n, model.sampleShape, seed, [range[0], high])
  const labels = classesFeed(Array.from({ length: n }, (_, i) => (i + 1) % model.classes))
  const session = await Session.open(encodeModel(graph))
  try {
    const at = (point: Float32Array) =>
      session.run({ [attackedInput]: floatsFeed(dims, point), labels })
    // In float64 from the logits, where the compiled loss would drown small slopes in its own rounding.
    const total = async (point: Float32Array): Promise<number> => {
      const logits = (await at(point))['logits']!.data
      return lossOf(loss, logits as Float32Array, model.classes, labels.data as BigInt64Array)
    }
    const gradient = (await at(x))['gradient']!
    if (gradient.dims.join() !== dims.join())
      throw new Error(`gradient of shape [${gradient.dims}]`)
    let worst = 0
    for (const direction of [1, 2]) {
      const rng = createRng('direction', seed, direction)
      const v = Float32Array.from(x, () => (rng.uniform() < 0.5 ? -1 : 1))
      const moved = (by: number) => x.map((value, i) => value + by * v[i]!)
      let [exact, scale] = [0, 0]
      v.forEach((value, i) => {
        const part = value * Number(gradient.data[i])
        exact += part
        scale += Math.abs(part)
      })
      let least = Infinity
      for (const relativeStep of steps) {
        const h = relativeStep * (range[1] - range[0])
        const numeric = ((await total(moved(h))) - (await total(moved(-h)))) / (2 * h)
        // A network may be flat here; then its difference must be zero too, and the point says little.
        const error = Math.abs(exact - numeric) / scale
        least = Math.min(least, scale === 0 && numeric === 0 ? -1 : error)
      }
      if (least < 0) return null
      worst = Math.max(worst, least)
    }
    return worst
  } finally {
    await session.close()
  }
}

/**
 * The median deviation over five points where the network is not flat: a point near a kink has no two-sided difference,
 * but few points are near one. Values of a point lie in a random part of the range, as pictures do.
 */
export async function gradientError(model: PreparedModel, check: GradientCheck): Promise<number> {
  const errors: number[] = []
  for (let seed = 1; seed <= 25 && errors.length < 5; seed++) {
    const error = await gradientErrorAt(model, { ...check, seed })
    if (error !== null) errors.push(error)
  }
  if (errors.length < 5) throw new Error('the network is flat at most points')
  return errors.toSorted((a, b) => a - b)[2]!
}

/** Sum over the batch of an untargeted loss, in float64. */
function lossOf(
  loss: LossName,
  logits: Float32Array,
  classes: number,
  labels: BigInt64Array,
): number {
  let sum = 0
  labels.forEach((label, i) => {
    const z = Array.from(logits.subarray(i * classes, (i + 1) * classes))
    const own = z[Number(label)]!
    const rivals = z.filter((_, k) => k !== Number(label))
    const most = Math.max(...z)
    if (loss === 'ce')
      sum += Math.log(z.reduce((all, value) => all + Math.exp(value - most), 0)) + most - own
    else if (loss === 'margin') sum += Math.max(...rivals) - own
    else {
      const sorted = z.toSorted((p, q) => q - p)
      sum += (Math.max(...rivals) - own) / (sorted[0]! - sorted[2]!)
    }
  })
  return sum
}
