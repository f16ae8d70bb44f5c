import type { Graph, Node } from '../../src/graph/ir.js'
import { elementCount, floats } from '../../src/graph/tensor.js'

/** Values in double precision, C order. */
export interface Doubles {
  readonly dims: readonly number[]
  readonly data: Float64Array
}

/**
 * Evaluates a chain of Conv (2-D, symmetric pads), Relu, Flatten and Gemm (transB) by their definitions in
 * doubles: slow, and independent of ONNX Runtime.
 *
 * @param overrides - values to use in place of initializers
 */
export function evaluateInDoubles(
  graph: Graph,
  x: Doubles,
  overrides: Readonly<Record<string, Float64Array>> = {},
): Doubles {
  const values = new Map<string, Doubles>([[graph.inputs[0]?.name ?? '', x]])
  for (const [name, tensor] of Object.entries(graph.initializers))
    values.set(name, {
      dims: tensor.dims,
      data: overrides[name] ?? Float64Array.from(floats(tensor)),
    })
  const get = (name: string | undefined): Doubles => {
    const value = values.get(name ?? '')
    if (!value) throw new Error(`no value ${name}`)
    return value
  }
  for (const node of graph.nodes) {
    const inputs = node.inputs.map(get)
    values.set(node.outputs[0] ?? '', compute(node, inputs))
  }
  return get(graph.outputs[0]?.name)
}

function compute(node: Node, inputs: readonly Doubles[]): Doubles {
  const [x, w, b] = inputs
  if (x && node.op === 'Relu') return { dims: x.dims, data: x.data.map((v) => Math.max(v, 0)) }
  if (x && node.op === 'Flatten') {
    const [n = 0, ...rest] = x.dims
    return { dims: [n, elementCount(rest)], data: x.data }
  }
  if (x && w && b && node.op === 'Gemm') return dense(x, w, b)
  if (x && w && b && node.op === 'Conv') return convolve(node, x, w, b)
  throw new Error(`no reference for ${node.op}`)
}

function dense(x: Doubles, w: Doubles, b: Doubles): Doubles {
  const [rows = 0, inner = 0] = x.dims
  const [columns = 0] = w.dims
  const data = new Float64Array(rows * columns)
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      let sum = b.data[j]!
      for (let k = 0; k < inner; k++) sum += x.data[i * inner + k]! * w.data[j * inner + k]!
      data[i * columns + j] = sum
    }
  return { dims: [rows, columns], data }
}

function convolve(node: Node, x: Doubles, w: Doubles, b: Doubles): Doubles {
  const [stride = 1] = intsOf(node, 'strides')
  const [pad = 0] = intsOf(node, 'pads')
  const [N = 0, C = 0, H = 0, W = 0] = x.dims
  const [M = 0, , K = 0] = w.dims
  const size = (length: number): number => Math.floor((length + 2 * pad - K) / stride) + 1
  const [h, v] = [size(H), size(W)]
  const data = new Float64Array(N * M * h * v)
  for (let n = 0; n < N; n++)
    for (let m = 0; m < M; m++)
      for (let i = 0; i < h; i++)
        for (let j = 0; j < v; j++) {
          let sum = b.data[m]!
          for (let c = 0; c < C; c++)
            for (let r = 0; r < K; r++)
              for (let s = 0; s < K; s++) {
                const [row, column] = [i * stride + r - pad, j * stride + s - pad]
                if (row < 0 || row >= H || column < 0 || column >= W) continue
                const pixel = x.data[((n * C + c) * H + row) * W + column]!
                sum += pixel * w.data[((m * C + c) * K + r) * K + s]!
              }
          data[((n * M + m) * h + i) * v + j] = sum
        }
  return { dims: [N, M, h, v], data }
}

function intsOf(node: Node, name: string): readonly number[] {
  const attr = node.attrs[name]
  return attr?.kind === 'ints' ? attr.value : []
}
