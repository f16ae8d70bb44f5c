import { GauntletError } from '../errors.js'
import { isFixed, reshapeTarget, type Shape, type Size } from '../graph/shapes.js'
import { positiveAxis } from './emit.js'
import type { RuleContext } from './rule.js'

/**
 * Pads with zeros along some axes; a negative count cuts. All axes are named: ONNX Runtime 1.30 confuses a Pad that lists its axes when it moves a Transpose across it.
 */
export function padded(
  { g, shape, x }: RuleContext,
  value: string,
  axes: readonly number[],
  begin: readonly number[],
  end: readonly number[],
  rank = shape(x[0]!).length,
): string {
  if (axes.every((_, k) => !begin[k] && !end[k])) return value
  const pads = Array.from({ length: 2 * rank }, () => 0)
  axes.forEach((axis, k) => {
    pads[positiveAxis(axis, rank)] = begin[k]!
    pads[rank + positiveAxis(axis, rank)] = end[k]!
  })
  return g.emit('Pad', [value, g.ints(pads)])
}

export function cut(
  { g }: RuleContext,
  value: string,
  axes: readonly number[],
  begin: readonly number[],
  end: readonly number[],
): string {
  return g.emit('Slice', [value, g.ints(begin), g.ints(end), g.ints(axes)])
}

export function scaled(size: Size, factor: number): Size {
  return isFixed(size) ? size * factor : { perBatch: size.perBatch * factor }
}

/** Reshapes to a shape in which at most one axis follows the batch. @throws GNT_GRAPH_DYNAMIC_SHAPE else */
export function reshape(context: RuleContext, value: string, shape: Shape): string {
  const target = reshapeTarget(shape)
  if (!target) throw dynamic(context)
  return context.g.emit('Reshape', [value, context.g.ints(target)])
}

export function dynamic({ node }: Pick<RuleContext, 'node'>): GauntletError {
  return new GauntletError('GNT_GRAPH_DYNAMIC_SHAPE', {
    what: `more than one axis of ${node.op} follows the batch`,
    where: `node ${node.name}`,
    fix: 'export the model with a fixed input size',
  })
}
