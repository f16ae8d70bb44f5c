import { GraphBuilder } from '../builder.js'
import type { Node, Tensor } from '../ir.js'
import { isFixed } from '../shapes.js'
import { elementCount, floats, numbers, tensorOfFloats } from '../tensor.js'
import type { ShapedGraph } from './readers.js'

/**
 * A Conv on images so small that nearly every output sees nearly every input is a matrix product: 3×3 on 2×2
 * pixels has 16 pairs of pixels and uses them all. As Gemm it runs about twice as fast, because the whole batch
 * shares the weights and no padding is computed.
 */
export function denseConvs({ graph, infos }: ShapedGraph): ShapedGraph {
  const g = new GraphBuilder(graph, infos)
  const outputs = new Set(graph.outputs.map((output) => output.name))
  for (const node of graph.nodes) {
    const window = outputs.has(node.outputs[0]!) ? null : readWindow(g, node)
    if (!window || window.pairs > window.used * worthwhile) continue
    const { weight, bias, input, output } = window
    if (window.pairs * weight.dims[0]! * weight.dims[1]! > largest) continue
    const rows = g.ints([0, weight.dims[1]! * elementCount(input)])
    const operands = [
      g.emit('Reshape', [node.inputs[0]!, rows]),
      g.constant(matrixOf(window), `${node.inputs[1]}_dense`),
      ...(bias
        ? [g.constant(repeated(bias, elementCount(output)), `${node.inputs[2]}_dense`)]
        : []),
    ]
    const image = g.ints([0, weight.dims[0]!, ...output])
    const result = g.emit('Reshape', [g.emit('Gemm', operands), image])
    g.replace(node.outputs[0]!, g.know(result, g.info(node.outputs[0]!)))
  }
  return { graph: g.finish(graph.inputs, graph.outputs), infos: g.infos }
}

/** Pairs of an input and an output pixel in the matrix, at most, per pair that the Conv really uses. */
const worthwhile = 1.25

/** Elements of a matrix that a graph may carry for this. */
const largest = 8e6

interface Window {
  /** (M, C, ...K) */
  readonly weight: Tensor
  readonly bias: Tensor | null
  /** Spatial sizes. */
  readonly input: readonly number[]
  readonly output: readonly number[]
  /** The tap of axis `a` through which output position o reads input position i, or −1. */
  tap(a: number, o: number, i: number): number
  readonly pairs: number
  readonly used: number
}

function readWindow(g: GraphBuilder, node: Node): Window | null {
  const [x, w, b] = node.inputs
  if (node.op !== 'Conv' || node.domain !== '' || !g.knows(x!) || !g.knows(node.outputs[0]!))
    return null
  const weight = g.initializer(w!)
  const bias = b ? g.initializer(b) : null
  const { group, auto_pad: autoPad } = node.attrs
  if (
    weight?.dtype !== 'float32' ||
    bias === undefined ||
    (group?.kind === 'int' && group.value !== 1)
  )
    return null
  if (autoPad?.kind === 'string' && autoPad.value !== 'NOTSET') return null
  const input = g.info(x!).shape.slice(2)
  const output = g.info(node.outputs[0]!).shape.slice(2)
  if (!input.every(isFixed) || !output.every(isFixed)) return null
  const listOf = (name: string, otherwise: number): readonly number[] => {
    const attr = node.attrs[name]
    return attr?.kind === 'ints' ? attr.value : input.map(() => otherwise)
  }
  const [strides, dilations, pads] = [
    listOf('strides', 1),
    listOf('dilations', 1),
    listOf('pads', 0),
  ]
  const kernel = weight.dims.slice(2)
  const tap = (a: number, o: number, i: number): number => {
    const reach = i - o * strides[a]! + pads[a]!
    const t = reach / dilations[a]!
    return Number.isInteger(t) && t >= 0 && t < kernel[a]! ? t : -1
  }
  let used = 1
  for (let a = 0; a < kernel.length; a++) {
    let found = 0
    for (let o = 0; o < output[a]!; o++)
      for (let i = 0; i < input[a]!; i++) if (tap(a, o, i) >= 0) found++
    used *= found
  }
  return {
    weight,
    bias,
    input,
    output,
    tap,
    pairs: elementCount(input) * elementCount(output),
    used,
  }
}

/** (C·S, M·T): what each output takes from each input. */
function matrixOf({ weight, input, output, tap }: Window): Tensor {
  const [M, C, ...kernel] = weight.dims as [number, number, ...number[]]
  const from = floats(weight)
  const [S, T] = [elementCount(input), elementCount(output)]
  const taps = elementCount(kernel)
  const to = new Float32Array(C * S * M * T)
  for (let i = 0; i < S; i++)
    for (let o = 0; o < T; o++) {
      const at = place(i, o, input, output, kernel, tap)
      if (at < 0) continue
      for (let c = 0; c < C; c++)
        for (let m = 0; m < M; m++)
          to[(c * S + i) * M * T + m * T + o] = from[(m * C + c) * taps + at]!
    }
  return tensorOfFloats([C * S, M * T], to)
}

/** Flat index of the tap between two pixels, or −1. */
function place(
  i: number,
  o: number,
  input: readonly number[],
  output: readonly number[],
  kernel: readonly number[],
  tap: Window['tap'],
): number {
  let [restI, restO, at, scale] = [i, o, 0, 1]
  for (let a = kernel.length - 1; a >= 0; a--) {
    const t = tap(a, restO % output[a]!, restI % input[a]!)
    if (t < 0) return -1
    at += t * scale
    scale *= kernel[a]!
    restI = Math.floor(restI / input[a]!)
    restO = Math.floor(restO / output[a]!)
  }
  return at
}

/** One bias per channel → one per channel and pixel. */
function repeated(bias: Tensor, pixels: number): Tensor {
  const values = Array.from(numbers(bias)).flatMap((value) =>
    Array.from({ length: pixels }, () => value),
  )
  return tensorOfFloats([values.length], values)
}
