import type { GraphBuilder } from '../graph/builder.js'

/** Floats in 64 bytes: the widest vector, and what ONNX Runtime aligns its buffers to. */
const vector = 16

/**
 * Reduces the rows of `value`, (N, ...) with `width` elements after the batch, so that a sample gives the same bits
 * in whatever row it stands. ONNX Runtime's CPU reductions take vectors from the first aligned address of a row on:
 * where rows begin at addresses of different alignment, the terms are added in different orders, and a verdict
 * could depend on the batch. Such rows are filled up with zeros.
 *
 * @param rank - number of axes of `value`, the batch included
 * @returns (N, 1, ..., 1)
 */
export function reduceRows(
  g: GraphBuilder,
  op: 'ReduceL1' | 'ReduceL2' | 'ReduceSum',
  value: string,
  { width, rank }: { readonly width: number; readonly rank: number },
): string {
  const spare = (vector - (width % vector)) % vector
  if (spare === 0)
    return g.emit(op, [value, g.ints(Array.from({ length: rank - 1 }, (_, axis) => axis + 1))], {
      keepdims: 1,
    })
  const flat = rank === 2 ? value : g.emit('Reshape', [value, g.ints([-1, width])])
  const padded = g.emit('Pad', [flat, g.ints([0, 0, 0, spare])])
  const reduced = g.emit(op, [padded, g.ints([1])], { keepdims: 1 })
  if (rank === 2) return reduced
  return g.emit('Reshape', [reduced, g.ints([-1, ...Array.from({ length: rank - 1 }, () => 1)])])
}
