import { GauntletError } from '../../errors.js'
import { tensorOf } from '../tensor.js'
import type { Lowering, LoweringTable } from './lowering.js'
import { opsOf } from './ops.js'

/**
 * grid = base · θᵀ: the affine map of every output pixel. θ (N, 2, 3), size (N, C, H, W) → (N, H, W, 2), or
 * θ (N, 3, 4), size (N, C, D, H, W) → (N, D, H, W, 3). Source: ONNX Operators.md, AffineGrid.
 */
const affineGrid: Lowering = (view) => {
  const { g, x, y, int, info, shape, node } = view
  const { dtype } = info(x[0]!)
  const ops = opsOf(g, dtype)
  const sizes = shape(y[0]!).slice(1, -1)
  if (!sizes.every((size) => typeof size === 'number'))
    throw new GauntletError('GNT_GRAPH_DYNAMIC_SHAPE', {
      what: 'AffineGrid is differentiated for a fixed size',
      where: `node ${node.name}`,
      fix: 'export the model with a fixed input size',
    })
  const isAligned = int('align_corners', 0) === 1
  const place = (k: number, size: number): number => {
    if (isAligned) return size === 1 ? 0 : (2 * k) / (size - 1) - 1
    return (2 * k + 1) / size - 1
  }
  const fixed = sizes as number[]
  const count = fixed.reduce((a, b) => a * b, 1)
  const base: number[] = []
  for (let p = 0; p < count; p++) {
    const coordinates: number[] = []
    let rest = p
    for (const size of fixed.toReversed()) {
      coordinates.push(place(rest % size, size))
      rest = Math.floor(rest / size)
    }
    // x first, then y, then z, then 1.
    base.push(...coordinates, 1)
  }
  const rank = fixed.length
  const points = g.constant(tensorOf(dtype, [count, rank + 1], base), 'base_grid')
  const mapped = ops.matmul(points, ops.transpose(x[0]!, [0, 2, 1]))
  return [ops.reshape(mapped, [0, ...fixed, rank])]
}

export const affineGrids: LoweringTable = { AffineGrid: affineGrid }
