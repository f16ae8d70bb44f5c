import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import type { Attr, Dim, DType, Graph, Node, Tensor } from '../../src/graph/ir.js'
import { elementCount } from '../../src/graph/tensor.js'
import { encodeModel } from '../../src/onnx/encode.js'
import { createRng } from '../../src/util/rng.js'

/** The public networks beside the repository; empty when they are not there. */
export const publicModels: readonly string[] = (() => {
  const folder = join(import.meta.dirname, '../../../shared/data/vnncomp/onnx')
  if (!existsSync(folder)) {
    console.warn('skipped: no models in ../shared/data/vnncomp/onnx')
    return []
  }
  return readdirSync(folder)
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => join(folder, name))
})()

type AttrValue = number | string | readonly number[] | Attr

/** `op(inputs) -> outputs`; whole numbers are ints, `{ kind: 'float', ... }` says otherwise. */
export function nodeOf(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attrs: Readonly<Record<string, AttrValue>> = {},
): Node {
  const read = Object.entries(attrs).map(([name, value]): [string, Attr] => [name, attrOf(value)])
  return {
    name: `node/${outputs[0]}`,
    op,
    domain: '',
    inputs,
    outputs,
    attrs: Object.fromEntries(read),
  }
}

function attrOf(value: AttrValue): Attr {
  if (typeof value === 'number') return { kind: 'int', value }
  if (typeof value === 'string') return { kind: 'string', value }
  return 'kind' in value ? value : { kind: 'ints', value }
}

/** Attributes are single precision in a file: what a reader of one would see. */
export const float = (value: number): Attr => ({ kind: 'float', value: Math.fround(value) })
export const floats = (...value: number[]): Attr => ({
  kind: 'floats',
  value: value.map(Math.fround),
})

export interface GraphSketch {
  readonly opset?: number
  readonly inputs?: Readonly<Record<string, readonly Dim[] | null>>
  readonly dtype?: DType
  readonly outputs?: readonly string[]
  readonly initializers?: Readonly<Record<string, Tensor>>
  readonly nodes: readonly Node[]
}

/** A graph with outputs of unknown type; `y` unless said otherwise. */
export function graphOf(sketch: GraphSketch): Graph {
  return {
    name: 'sketch',
    opsets: { '': sketch.opset ?? 18 },
    irVersion: 8,
    inputs: Object.entries(sketch.inputs ?? {}).map(([name, dims]) => ({
      name,
      dtype: sketch.dtype ?? 'float32',
      dims,
    })),
    outputs: (sketch.outputs ?? ['y']).map((name) => ({ name, dtype: 'float32', dims: null })),
    initializers: sketch.initializers ?? {},
    nodes: sketch.nodes,
  }
}

export interface RunResult {
  readonly dims: readonly number[]
  readonly data: unknown
}

/** Runs model bytes (or a path) in ONNX Runtime on seeded normal floats; symbolic sizes are 2 unless given. */
export async function runOnNoise(
  model: Graph | Uint8Array | string,
  sizes: Readonly<Record<string, number>> = {},
): Promise<Record<string, RunResult>> {
  const source =
    typeof model === 'string' || model instanceof Uint8Array ? model : encodeModel(model)
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 } as const
  const session = await (typeof source === 'string'
    ? InferenceSession.create(source, options)
    : InferenceSession.create(source, options))
  try {
    const feeds = session.inputMetadata.map((input) => {
      if (!input.isTensor || input.type !== 'float32')
        throw new Error(`${input.name} is not floats`)
      const dims = input.shape.map((dim) => (typeof dim === 'number' ? dim : (sizes[dim] ?? 2)))
      const rng = createRng('noise', input.name)
      const data = Float32Array.from({ length: elementCount(dims) }, () => rng.normal())
      return [input.name, new OrtTensor('float32', data, dims)]
    })
    const outputs = await session.run(Object.fromEntries(feeds))
    return Object.fromEntries(
      Object.entries(outputs).map(([name, { dims, data }]) => [name, { dims, data }]),
    )
  } finally {
    await session.release()
  }
}
