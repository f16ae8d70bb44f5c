import { float } from '../graph/builder.js'
import type { Node, Tensor } from '../graph/ir.js'
import type { Shape } from '../graph/shapes.js'
import { cast } from './emit.js'
import { realConstant } from './real-constant.js'
import type { Gradients, RuleContext } from './rule.js'
import { ranges } from './integer-ranges.js'

/** A quantized operand: where it stands among the inputs. */
export interface Operand {
  readonly value: number
  readonly scale: number
  readonly zero: number
  /** Axis of scales that differ by channel. */
  readonly axis?: number
}

/** What a real form is written with: nodes whose shapes are known. */
export interface Form {
  real(operand: Operand): string
  emit(op: string, inputs: readonly string[], shape: Shape, attrs?: Node['attrs']): string
}

/** Where an operator's own scale and zero point stand among its inputs. */
export interface Output {
  readonly scale: number
  readonly zero: number
  /** Not worth computing once more in real numbers: what was cut off is read from the integers that came out. */
  readonly isCostly?: boolean
}

/** The gradients of an operator on integers. Without `output` the result is real, and nothing is cut off. */
export function throughReal(
  context: RuleContext,
  operands: readonly Operand[],
  output: Output | null,
  build: (form: Form) => string,
): Gradients {
  const { g, x, dy, wants } = context
  const mark = g.mark()
  const known = (name: string, shape: Shape): string => g.know(name, { dtype: 'float32', shape })
  const reals = new Map<number, string>()
  const form: Form = {
    real({ value, scale, zero, axis }) {
      const operand = x[value]!
      const constant = constantOf(context, value, scale, zero, axis ?? 0)
      if (constant) return g.constant(constant, `${operand}_real`)
      const zeroPoint = x[zero] ? [x[zero]] : []
      const inputs = [operand, x[scale]!, ...zeroPoint]
      const name = g.emit('DequantizeLinear', inputs, axis === undefined ? {} : { axis })
      reals.set(value, name)
      return known(name, g.info(operand).shape)
    },
    emit: (op, inputs, shape, attrs = {}) => known(g.emit(op, inputs, attrs), shape),
  }
  const real = build(form)
  const wanted = operands.filter(({ value }) => wants[value])
  const [value, seed] = output ? ending(context, real, output) : [real, dy[0]!]
  const gradients = context.through(
    mark,
    new Map([[value, seed]]),
    wanted.map(({ value }) => reals.get(value)!),
  )
  const result: (string | null)[] = x.map(() => null)
  // From the real value back to its integer.
  for (const { value, scale, axis } of wanted) {
    const rank = g.info(x[value]!).shape.length
    const isSingle = g.info(x[scale]!).shape.every((size) => size === 1)
    const target = Array.from({ length: rank }, (_, k) => (k === axis ? -1 : 1))
    const by = isSingle ? x[scale]! : g.emit('Reshape', [x[scale]!, g.ints(target)])
    result[value] = g.emit('Mul', [gradients.get(reals.get(value)!)!, by])
  }
  return result
}

/** The real value of an operand that is constant, as a weight nearly always is: products with those are faster. */
export function constantOf(
  { g, x, wants }: RuleContext,
  value: number,
  scale: number | null,
  zero: number,
  axis: number,
): Tensor | null {
  const tensorAt = (index: number): Tensor | null => g.initializer(x[index] ?? '') ?? null
  const integers = tensorAt(value)
  const scales = scale === null ? null : tensorAt(scale)
  if (!integers || wants[value] || (scale !== null && !scales)) return null
  if (x[zero] && !tensorAt(zero)) return null
  return realConstant(integers, scales, tensorAt(zero), axis)
}

/** How the real result became integers again: the value to begin at, and its gradient. */
function ending(
  context: RuleContext,
  real: string,
  { scale, zero, isCostly }: Output,
): [string, string] {
  const { g, x, y, dy } = context
  if (isCostly) return [real, unsaturated(context, y[0]!, dy[0]!, x[scale]!)]
  const { dtype, shape } = g.info(y[0]!)
  const rounded = g.emit('QuantizeLinear', [real, x[scale]!, x[zero] || g.scalar(0, dtype)])
  return [g.know(rounded, { dtype, shape }), dy[0]!]
}

/**
 * dY / s, and zero at the ends of the range: there the value was cut off. One that is just at an end counts as cut off
 * as well, which is what Relu's own rule says of 0 where a Relu was fused.
 */
function unsaturated(context: RuleContext, y: string, dY: string, scale: string): string {
  const { g } = context
  const [low, high] = ranges[g.info(y).dtype] ?? [-Infinity, Infinity]
  const integers = cast(context, y, 'float32')
  const above = g.emit('HardSigmoid', [integers], { alpha: float(1), beta: float(-low) })
  const below = g.emit('HardSigmoid', [integers], { alpha: float(-1), beta: float(high) })
  const inside = g.emit('Mul', [above, below])
  return g.emit('Mul', [g.emit('Div', [dY, scale]), inside])
}
