import { isFixed } from '../shapes.js'
import { ints } from '../tensor.js'
import type { Lowering, LoweringTable } from './lowering.js'
import { opsOf } from './ops.js'

/**
 * X (…S) → (…T): the middle of X along an axis that is too long, zeros around it along one that is too short. An odd
 * element goes from, or comes to, the end. Source: ONNX Operators.md, CenterCropPad.
 */
const centerCropPad: Lowering = ({ g, x, info, shape, ints: attribute }) => {
  const target = g.initializer(x[1]!)
  if (!target) return null
  const sizes = shape(x[0]!)
  const rank = sizes.length
  const axes = attribute('axes') ?? sizes.map((_, axis) => axis)
  const pads = Array<number>(2 * rank).fill(0)
  const ops = opsOf(g, info(x[0]!).dtype)
  let cropped = x[0]!
  for (const [k, wanted] of ints(target).entries()) {
    const axis = axes[k]! < 0 ? axes[k]! + rank : axes[k]!
    const size = sizes[axis]!
    if (!isFixed(size)) return null
    const before = Math.floor(Math.abs(size - wanted) / 2)
    if (wanted < size) cropped = ops.slice(cropped, axis, before, before + wanted)
    pads[axis] = wanted > size ? before : 0
    pads[rank + axis] = wanted > size ? wanted - size - before : 0
  }
  return [pads.some((pad) => pad > 0) ? g.emit('Pad', [cropped, g.ints(pads)]) : cropped]
}

export const cropLowerings: LoweringTable = { CenterCropPad: centerCropPad }
