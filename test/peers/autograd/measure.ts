import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseNpy } from '../../../src/data/npy.js'
import type { NumericArray } from '../../../src/data/raw.js'
import { prepareModel } from '../../../src/model/prepare.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { loadModel } from '../../../src/onnx/load.js'
import { Session } from '../../../src/runtime/session.js'
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
}

/** The samples are normal. */
const range = [-3, 3] as const

interface Point {
  readonly x: Float32Array
  readonly labels: ArrayLike<number>
  readonly sampleShape: readonly number[]
}

async function gradientAt(path: string, { x, labels, sampleShape }: Point) {
  const { graph } = await loadModel(path)
  const model = await prepareModel(graph, { sampleShape, range })
  const compiled = compileGradient(model, { loss: 'ce', targeted: false }).graph
  const session = await Session.open(encodeModel(compiled))
  const dims = [labels.length]
  try {
    const run = await session.run({
      [model.input]: { dtype: 'float32', dims: [...dims, ...sampleShape], data: x },
      labels: { dtype: 'int64', dims, data: BigInt64Array.from(Array.from(labels, BigInt)) },
    })
    return {
      nodes: graph.nodes.length,
      gradient: run['gradient']!.data as Float32Array,
      logits: run['logits']!.data as Float32Array,
      classes: model.classes,
    }
  } finally {
    await session.close()
  }
}

export async function compareNetwork(network: Network, path: string): Promise<Comparison> {
  const read = async (name: string): Promise<NumericArray> => {
    const file = join(network.folder, `${name}.npy`)
    return parseNpy(await readFile(file), file).data
  }
  const [x, labels, logits, single, double] = await Promise.all(
    ['x', 'labels', 'logits', 'single', 'double'].map(read),
  )
  const point = { x: x as Float32Array, labels: labels!, sampleShape: network.sampleShape }
  const found = await gradientAt(path, point)
  return {
    nodes: found.nodes,
    double: relative(found.gradient, double!),
    single: relative(found.gradient, single!),
    own: relative(single!, double!),
    greatest: found.gradient.reduce((most, g, k) => Math.max(most, Math.abs(g - double![k]!)), 0),
    logits: relative(found.logits, logits!),
  }
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
  const { gradient } = await gradientAt(path, point)
  return points.map((_, k) => gradient[points.length + k]! * classes)
}
