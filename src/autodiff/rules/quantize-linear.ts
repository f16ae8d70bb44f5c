import { isFixed, type Shape } from '../../graph/shapes.js'
import { isFloating } from '../../graph/tensor.js'
import { cast, isSame, positiveAxis } from '../emit.js'
import { ranges } from '../integer-ranges.js'
import { dynamic } from '../place.js'
import type { Gradients, RuleContext } from '../rule.js'

/**
 * QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear. Rounding is passed straight through (BPDA, Athalye et al.
 * 2018, arXiv:1802.00420) and what is saturated gets nothing, as in PyTorch's fake_quantize. Scales and zero points
 * count as constants, also where a network computes them: what one side leaves out, the other does too.
 */

/** Scale or zero point as something that broadcasts against a value of `shape`: for all of it, an axis, or blocks. */
function along(context: RuleContext, value: string, shape: Shape): string {
  const { g } = context
  const own = g.info(value).shape
  if (own.length === 0 || shape.length === 0) return value
  if (own.length === 1 && own[0] === 1) return g.emit('Squeeze', [value])
  const axis = positiveAxis(context.int('axis', 1), shape.length)
  const block = context.int('block_size', 0)
  if (block === 0)
    return g.emit('Reshape', [value, g.ints(shape.map((_, k) => (k === axis ? -1 : 1)))])
  const size = shape[axis]!
  if (!isFixed(size)) throw dynamic(context)
  const blocks = Array.from({ length: size }, (_, k) => Math.floor(k / block))
  return g.emit('Gather', [value, g.ints(blocks)], { axis })
}

const isSingle = ({ g }: RuleContext, value: string | undefined): boolean =>
  !value || g.info(value).shape.every((size) => size === 1)

/**
 * y = saturate(round(x / s) + z): dX = dY / s where nothing was cut off. Whether it was is read from x, so that a
 * value at the end of the range keeps its gradient: it passes between (low − z − ½)·s and (high − z + ½)·s.
 */
export function quantize(context: RuleContext): Gradients {
  const { g, x, y, dy, wants } = context
  if (!wants[0]) return []
  const { shape, dtype } = g.info(x[0]!)
  const value = isFloating(dtype) ? x[0]! : cast(context, x[0]!, 'float32')
  const [low, high] = ranges[g.info(y[0]!).dtype] ?? [-Infinity, Infinity]
  const scale = along(context, x[1]!, shape)
  const zero = x[2] ? cast(context, along(context, x[2], shape), 'float32') : null
  const end = (integer: number): string => {
    const from = g.scalar(integer)
    return g.emit('Mul', [zero ? g.emit('Sub', [from, zero]) : from, scale])
  }
  const [least, most] = [end(low - 0.5), end(high + 0.5)]
  const bounded =
    isSingle(context, x[1]) && isSingle(context, x[2])
      ? g.emit('Clip', [value, least, most])
      : g.emit('Max', [g.emit('Min', [value, most]), least])
  const passed = g.emit('Mul', [dy[0]!, isSame(context, value, bounded)])
  return [g.emit('Mul', [passed, g.emit('Reciprocal', [scale])])]
}

/** x = (y − z)·s: dY = dX·s. */
export function dequantize(context: RuleContext): Gradients {
  const { g, x, dy, wants } = context
  return wants[0] ? [g.emit('Mul', [dy[0]!, along(context, x[1]!, g.info(x[0]!).shape)])] : []
}

/** The range covers all values, so none is saturated. */
export function quantizeDynamically({ g, y, dy }: RuleContext): Gradients {
  return [dy[0] ? g.emit('Div', [dy[0], y[1]!]) : null]
}
