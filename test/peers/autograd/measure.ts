import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseNpy } from '../../../src/data/npy.js'
import type { NumericArray, RawArray } from '../../../src/data/raw.js'
import { GauntletError } from '../../../src/errors.js'
import { compileGradient as compileAny } from '../../../src/model/gradient.js'
import type { Graph } from '../../../src/graph/ir.js'
import { openGraph } from '../../../src/model/open.js'
import { prepareModel } from '../../../src/model/prepare.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { loadModel } from '../../../src/onnx/load.js'
import { Session, type Feed } from '../../../src/runtime/session.js'
import { compileGradient } from '../../../src/step/compile.js'

/** What `export.py` wrote of one architecture. Empty reasons: the export succeeded. */
export interface Network {
  readonly title: string
  readonly folder: string
  readonly sampleShape: readonly number[]
  readonly files: readonly {
    readonly exporter: string
    readonly opset: number
    readonly path: string
    readonly reason: string
  }[]
}

export interface Kink {
  readonly name: string
  readonly path: string
  readonly reason: string
  readonly points: readonly number[]
  readonly derivatives: readonly number[]
  /** Why Gauntlet answers otherwise, or nothing. */
  readonly differs: string
}

export interface Manifest {
  readonly torch: string
  readonly networks: readonly Network[]
  readonly kinks: readonly Kink[]
}

/** Deviations of one file; gradients are those of each sample's cross-entropy. */
export interface Comparison {
  readonly nodes: number
  /** ‖g − r‖ ÷ ‖r‖ against autograd in float64, and in float32. */
  readonly double: number
  readonly single: number
  /** The same of autograd's own float32 against its float64. */
  readonly own: number
  /** Greatest |g − r| against float64. */
  readonly greatest: number
  /** ‖z − r‖ ÷ ‖r‖ of the logits. */
  readonly logits: number
  /** Of the gradient compiled in float64 against float64; null where ONNX Runtime lacks a kernel. */
  readonly exact: number | null
}

/** The samples are normal. */
const range = [-3, 3] as const

interface Point {
  readonly x: Float32Array
  readonly labels: ArrayLike<number>
  readonly sampleShape: readonly number[]
}

interface Found {
  readonly gradient: NumericArray
  readonly logits: NumericArray
}

const int64 = (dims: readonly number[], values: ArrayLike<number>): Feed => ({
  dtype: 'int64',
  dims,
  data: BigInt64Array.from(Array.from(values, BigInt)),
})

/** As an attack computes it: the batch free, preprocessing in front, passes for speed. */
async function attackGradient(graph: Graph, { x, labels, sampleShape }: Point): Promise<Found> {
  const model = await prepareModel(graph, { sampleShape, range })
  const compiled = compileGradient(model, { loss: 'ce', targeted: false }).graph
  const session = await openGraph(compiled, model.weights)
  const count = labels.length
  try {
    const run = await session.run({
      [model.input]: { dtype: 'float32', dims: [count, ...sampleShape], data: x },
      labels: int64([count], labels),
    })
    return { gradient: numbers(run['gradient']!), logits: numbers(run['logits']!) }
  } finally {
    await session.close()
  }
}

/** As `gauntlet export gradient` compiles it: any loss over any output, here cross-entropy of each position. */
async function anyGradient(
  graph: Graph,
  { x, labels, sampleShape }: Point,
  labelDims: readonly number[],
  dtype: 'float32' | 'float64',
): Promise<Found> {
  const losses = [{ output: 'y', loss: 'ce' as const }]
  const { graph: compiled } = await compileAny(graph, { wrt: ['x'], losses, dtype })
  const session = await Session.open(encodeModel(compiled))
  const dims = [labelDims[0]!, ...sampleShape]
  try {
    const run = await session.run({
      x: { dtype, dims, data: dtype === 'float64' ? Float64Array.from(x) : x },
      'target/y': int64(labelDims, labels),
    })
    return { gradient: numbers(run['grad/x']!), logits: numbers(run['y']!) }
  } finally {
    await session.close()
  }
}

const numbers = ({ data }: Feed): NumericArray => data as NumericArray

export async function compareNetwork(network: Network, path: string): Promise<Comparison> {
  const read = async (name: string): Promise<RawArray> => {
    const file = join(network.folder, `${name}.npy`)
    return parseNpy(await readFile(file), file)
  }
  const [x, labels, logits, single, double] = (await Promise.all(
    ['x', 'labels', 'logits', 'single', 'double'].map(read),
  )) as [RawArray, RawArray, RawArray, RawArray, RawArray]
  const { graph } = await loadModel(path)
  const point = {
    x: x.data as Float32Array,
    labels: labels.data,
    sampleShape: network.sampleShape,
  }
  const isClassifier = labels.shape.length === 1
  const found = isClassifier
    ? await attackGradient(graph, point)
    : await anyGradient(graph, point, labels.shape, 'float32')
  const exact = await anyGradient(graph, point, labels.shape, 'float64').catch(noKernel)
  return {
    nodes: graph.nodes.length,
    double: relative(found.gradient, double.data),
    single: relative(found.gradient, single.data),
    own: relative(single.data, double.data),
    greatest: greatest(found.gradient, double.data),
    logits: relative(found.logits, logits.data),
    exact: exact && relative(exact.gradient, double.data),
  }
}

function noKernel(error: unknown): null {
  if (error instanceof GauntletError && error.code === 'GNT_MODEL_UNSUPPORTED') return null
  throw error
}

function greatest(a: NumericArray, b: NumericArray): number {
  let most = 0
  for (let k = 0; k < a.length; k++) most = Math.max(most, Math.abs(a[k]! - b[k]!))
  return most
}

/** ‖a − b‖ ÷ ‖b‖; infinite where they differ in length. */
function relative(a: NumericArray, b: NumericArray): number {
  if (a.length !== b.length) return Infinity
  let [apart, size] = [0, 0]
  for (let k = 0; k < a.length; k++) {
    apart += (a[k]! - b[k]!) ** 2
    size += b[k]! ** 2
  }
  return Math.sqrt(apart / size)
}

/**
 * The derivative at each point of a function that gives three equal classes. The gradient of their cross-entropy is the
 * derivative times the seed, 1/3 for a class that is not the label.
 */
export async function derivativesAt({ path, points }: Kink): Promise<number[]> {
  const classes = 3
  const x = Float32Array.from(
    { length: classes * points.length },
    (_, k) => points[k % points.length]!,
  )
  const point = { x, labels: [0], sampleShape: [classes, points.length] }
  const { graph } = await loadModel(path)
  const { gradient } = await attackGradient(graph, point)
  return points.map((_, k) => gradient[points.length + k]! * classes)
}
