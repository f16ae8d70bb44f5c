import type { NodeView } from '../../graph/node-view.js'
import { isFixed, type Shape } from '../../graph/shapes.js'
import { tensorOf, tensorOfInts } from '../../graph/tensor.js'

/**
 * Of one axis, which position of the input tap k of the window sees at output position o: `taps[k][o]`; −1 where it
 * sees padding.
 */
export type Taps = readonly (readonly number[])[]

export function tapsOf(
  kernel: number,
  outputs: number,
  input: number,
  at: (tap: number, output: number) => number | null,
): Taps {
  return Array.from({ length: kernel }, (_, tap) =>
    Array.from({ length: outputs }, (_unused, output) => {
      const position = at(tap, output)
      return position !== null && position >= 0 && position < input ? position : -1
    }),
  )
}

/**
 * All windows of X side by side (im2col), with one Gather for each axis: what ONNX Runtime computes in double precision
 * are sums and products, not convolutions.
 *
 * @param value - (A, C, S₁, …, S_d)
 * @param fill - what a window sees beyond the border
 * @returns (A, C, K₁, …, K_d, O₁, …, O_d)
 */
export function columns(
  { g, shape }: NodeView,
  value: string,
  axes: readonly Taps[],
  fill = 0,
): string {
  const sizes = shape(value).slice(2) as readonly number[]
  const isPadded = axes.map((taps) => taps.some((row) => row.includes(-1)))
  let whole = value
  if (isPadded.includes(true)) {
    const rank = sizes.length + 2
    const pads = Array.from({ length: 2 * rank }, () => 0)
    isPadded.forEach((padded, axis) => (pads[rank + 2 + axis] = padded ? 1 : 0))
    whole = g.emit('Pad', [value, g.ints(pads), g.constant(tensorOf('float64', [], [fill]))])
  }
  axes.forEach((taps, axis) => {
    const positions = taps.flatMap((row) => row.map((at) => (at < 0 ? sizes[axis]! : at)))
    const indices = g.constant(tensorOfInts([taps.length, taps[0]?.length ?? 0], positions), 'taps')
    whole = g.emit('Gather', [whole, indices], { axis: 2 + 2 * axis })
  })
  const each = sizes.map((_, axis) => axis)
  const perm = [0, 1, ...each.map((axis) => 2 + 2 * axis), ...each.map((axis) => 3 + 2 * axis)]
  return sizes.length === 1 ? whole : g.emit('Transpose', [whole], { perm })
}

/** A Reshape in which the one size that is not fixed is worked out. */
export function fit({ g }: NodeView, value: string, sizes: Shape): string {
  return g.emit('Reshape', [value, g.ints(sizes.map((size) => (isFixed(size) ? size : -1)))])
}
