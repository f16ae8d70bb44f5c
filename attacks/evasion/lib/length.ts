import { kernels, type Norm } from '../../../src/plugin.js'

export const lengthL2 = (values: Float32Array): number => Math.sqrt(kernels.squareOf(values))

/** The norm whose product with `norm` bounds an inner product: how steep a loss is to a step measured in `norm`. */
export function dualLength(norm: Norm, values: Float32Array): number {
  if (norm === 'l2') return lengthL2(values)
  return norm === 'linf' ? kernels.lengthL1(values) : kernels.greatest(values)
}
