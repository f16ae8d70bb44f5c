import type { Tensor } from '../graph/ir.js'
import { elementCount, numbers, tensorOfFloats } from '../graph/tensor.js'

/**
 * (integers − zero)·scale of a constant, as float32. Scale and zero point are one number each or one per index of `axis`.
 */
export function realConstant(
  integers: Tensor,
  scale: Tensor | null,
  zero: Tensor | null,
  axis: number,
): Tensor {
  const { dims } = integers
  const inner = elementCount(dims.slice(axis + 1))
  const count = dims[axis] ?? 1
  const at = (values: ArrayLike<number>, k: number): number =>
    values.length === 1 ? values[0]! : values[Math.floor(k / inner) % count]!
  const [scales, zeros] = [scale ? numbers(scale) : [1], zero ? numbers(zero) : [0]]
  const from = numbers(integers)
  const to = new Float32Array(from.length)
  for (let k = 0; k < to.length; k++) to[k] = (from[k]! - at(zeros, k)) * at(scales, k)
  return tensorOfFloats(dims, to)
}
