import type { GraphBuilder } from '../graph/builder.js'
import { isFixed, type Shape } from '../graph/shapes.js'
import type { Geometry } from './geometry.js'

/** What the gradient of a kernel is computed of. */
export interface WeightGradient {
  readonly g: GraphBuilder
  /** (N, C, …S) */
  readonly x: string
  /** (N, M, …T) */
  readonly dY: string
  /** Of the kernel, (M, C/g, …K). Where a gradient is differentiated again, C/g is the batch. */
  readonly shape: Shape
  readonly geometry: Geometry
  readonly group: number
}

/**
 * dW[m, c, t] = Σ_{n, o} dY[n, m, o] · X[n, c, o·s − p + t·d].
 *
 * Three forms of the same sum, chosen by what was measured with ONNX Runtime 1.30 on AVX2 at batch 64 (one thread, CPU
 * time; 302 MFLOP each: 16 channels of 32 × 32, 32 of 16 × 16, 64 of 8 × 8, kernels of 3 × 3):
 * - `byTaps`, a matrix product for each tap, over images of which channels come first: 18, 10 and 8 ms, against 31, 17
 *   and 12 ms of `asConv`; a 1 × 1 kernel 4 ms against 10;
 * - `byColumns`, one product for each sample over all taps: of few channels, where a product for each tap has a row or
 *   three. 3 channels of 32 × 32: 5 ms against 10;
 * - `asConv`, a convolution with batch and channels swapped and dY as its kernel: with strides (10 against 20 ms, because
 *   a Slice with steps copies one number at a time), of small images (0.4 against 0.9 ms at 4 × 4) and with groups.
 */
export function weightGradient(sum: WeightGradient): string {
  const { geometry, group, shape } = sum
  const { kernel, strides, output } = geometry
  const taps = kernel.reduce((a, b) => a * b, 1)
  const positions = output.reduce((a, b) => a * b, 1)
  const isStrided = taps > 1 && strides.some((stride) => stride !== 1)
  const channels = shape[1]!
  if (group > 1 || isStrided || taps > mostTaps || geometry.begin.some((pad) => pad < 0))
    return asConv(sum)
  if (!isFixed(channels)) return asConv(sum)
  if (channels <= fewChannels) return positions < 128 ? asConv(sum) : byColumns(sum)
  return positions < 32 ? asConv(sum) : byTaps(sum)
}

const mostTaps = 49
const fewChannels = 4

/** Each tap's part of the images: what it is multiplied with at each position of the output. */
function tapsOf({ g, geometry }: WeightGradient, x: string): string[] {
  const { kernel, strides, dilations, begin, end, output } = geometry
  const axes = kernel.map((_, axis) => axis + 2)
  const pads = [...begin, ...end.map((pad) => Math.max(0, pad))]
  const isPadded = pads.some((pad) => pad > 0)
  const none = [0, 0]
  const padded = isPadded
    ? g.emit('Pad', [x, g.ints([...none, ...begin, ...none, ...pads.slice(kernel.length)])])
    : x
  return places(kernel).map((tap) => {
    const from = tap.map((at, axis) => at * dilations[axis]!)
    const to = from.map((at, axis) => at + (output[axis]! - 1) * strides[axis]! + 1)
    return g.emit('Slice', [padded, g.ints(from), g.ints(to), g.ints(axes), g.ints(strides)])
  })
}

/** All places of a kernel or an image, the last axis fastest. */
export const places = (kernel: readonly number[]): number[][] =>
  kernel.reduce<number[][]>(
    (all, size) => all.flatMap((place) => Array.from({ length: size }, (_, at) => [...place, at])),
    [[]],
  )

/** (C, N·T) · (N·T, M) for each tap: the smaller of the operands that are packed is dY, once for all rows. */
function byTaps(sum: WeightGradient): string {
  const { g, x, dY, shape } = sum
  const [M, C, ...kernel] = shape as [number, number, ...number[]]
  const swap = [1, 0, ...kernel.map((_, axis) => axis + 2)]
  const channelsFirst = (value: string): string => g.emit('Transpose', [value], { perm: swap })
  const right = g.emit('Reshape', [channelsFirst(dY), g.ints([M, -1])])
  const parts = tapsOf(sum, channelsFirst(x)).map((tap) =>
    g.emit('Gemm', [g.emit('Reshape', [tap, g.ints([C, -1])]), right], { transB: 1 }),
  )
  const whole = parts.length === 1 ? parts[0]! : g.emit('Concat', parts, { axis: 0 })
  const split = g.emit('Reshape', [whole, g.ints([...kernel, C, M])])
  const last = kernel.length
  const perm = [last + 1, last, ...kernel.map((_, axis) => axis)]
  return g.emit('Transpose', [split], { perm })
}

/** (K·C, T) · (T, M) for each sample, summed over the samples. */
function byColumns(sum: WeightGradient): string {
  const { g, x, dY, shape } = sum
  const [M, C, ...kernel] = shape as [number, number, ...number[]]
  const parts = tapsOf(sum, x)
  const taps = parts.length
  const columns = taps === 1 ? parts[0]! : g.emit('Concat', parts, { axis: 1 })
  const left = g.emit('Reshape', [columns, g.ints([0, taps * C, -1])])
  const right = g.emit('Reshape', [dY, g.ints([0, M, -1])])
  const turned = g.emit('Transpose', [right], { perm: [0, 2, 1] })
  const whole = g.emit('ReduceSum', [g.emit('MatMul', [left, turned]), g.ints([0])], {
    keepdims: 0,
  })
  const split = g.emit('Reshape', [whole, g.ints([...kernel, C, M])])
  const last = kernel.length
  const perm = [last + 1, last, ...kernel.map((_, axis) => axis)]
  return g.emit('Transpose', [split], { perm })
}

/** A convolution of X with dY as its kernel: batch and channels swapped, strides and dilations swapped. */
function asConv({ g, x, dY, shape, geometry, group }: WeightGradient): string {
  const [, , ...kernel] = shape as readonly number[]
  const axes = kernel.map((_, axis) => axis + 2)
  const swap = [1, 0, ...axes]
  const kernels = g.emit('Transpose', [dY], { perm: swap })
  const product = g.emit('Conv', [swapped(g, x, geometry.input, group), kernels], {
    strides: geometry.dilations,
    dilations: geometry.strides,
    pads: [...geometry.begin, ...geometry.end.map((pad) => Math.max(0, pad))],
    group,
  })
  const back = g.emit('Transpose', [product], { perm: swap })
  if (geometry.end.every((pad) => pad >= 0)) return back
  // Windows that stop short of the border leave extra taps at the end.
  return g.emit('Slice', [back, g.ints(kernel.map(() => 0)), g.ints(kernel), g.ints(axes)])
}

/**
 * Batch and channels change places, group by group: (N, g·C, ...S) → (C, g·N, ...S). C is left open: where a gradient is
 * differentiated again, it is the batch.
 */
function swapped(g: GraphBuilder, x: string, size: readonly number[], group: number): string {
  if (group === 1)
    return g.emit('Transpose', [x], { perm: [1, 0, ...size.map((_, axis) => axis + 2)] })
  const split = g.emit('Reshape', [x, g.ints([0, group, -1, ...size])])
  const turnedRound = g.emit('Transpose', [split], {
    perm: [2, 1, 0, ...size.map((_, axis) => axis + 3)],
  })
  return g.emit('Reshape', [turnedRound, g.ints([0, -1, ...size])])
}
