import type { GraphBuilder } from '../graph/builder.js'
import { isFixed, sameShape, sameSize, type Shape } from '../graph/shapes.js'

/** Sums `value` of shape `wide` over the axes along which something of shape `narrow` was broadcast to it. */
export function sumTo(g: GraphBuilder, value: string, wide: Shape, narrow: Shape): string {
  if (sameShape(wide, narrow)) return value
  const lead = wide.length - narrow.length
  const stretched = narrow.flatMap((size, axis) =>
    isFixed(size) && size === 1 && !sameSize(wide[axis + lead]!, 1) ? [axis + lead] : [],
  )
  let out = value
  if (stretched.length > 0) out = g.emit('ReduceSum', [out, g.ints(stretched)], { keepdims: 1 })
  if (lead > 0) {
    const leading = Array.from({ length: lead }, (_, axis) => axis)
    out = g.emit('ReduceSum', [out, g.ints(leading)], { keepdims: 0 })
  }
  return out
}
