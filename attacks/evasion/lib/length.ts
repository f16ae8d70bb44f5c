import { kernels, type Norm } from '../../../src/plugin.js'

export const lengthL2 = (values: Float32Array): number => Math.sqrt(kernels.squareOf(values))

export function greatest(values: Float32Array): number {
  let most = 0
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]!)
    if (size > most) most = size
  }
  return most
}

/** The norm whose product with `norm` bounds an inner product: how steep a loss is to a step measured in `norm`. */
export function dualLength(norm: Norm, values: Float32Array): number {
  if (norm === 'l2') return lengthL2(values)
  return norm === 'linf' ? kernels.lengthL1(values) : greatest(values)
}
