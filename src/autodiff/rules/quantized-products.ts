import type { Node } from '../../graph/ir.js'
import { cast } from '../emit.js'
import { constantOf } from '../real-form.js'
import type { Gradients, RuleContext } from '../rule.js'

/** Products of integers whose results stay integers, or are scaled to real numbers at once. */

export const lastAxis = (context: RuleContext, index: number): number =>
  context.shape(context.x[index]!).length - 1

/** An integer less its zero point, as a real number: the integers themselves are the unit. */
function centred(context: RuleContext, index: number, zero: number, axis: number | null): string {
  const { g, x } = context
  const { shape } = g.info(x[index]!)
  const constant = constantOf(context, index, null, zero, axis ?? 0)
  if (constant) return g.constant(constant, `${x[index]}_real`)
  const value = g.know(cast(context, x[index]!, 'float32'), { dtype: 'float32', shape })
  if (!x[zero]) return value
  const point = cast(context, x[zero], 'float32')
  const own = g.info(x[zero]).shape
  const isPerChannel = own.length === 1 && own[0] !== 1 && axis !== null
  const fitted = isPerChannel
    ? g.emit('Reshape', [point, g.ints(shape.map((_, k) => (k === axis ? -1 : 1)))])
    : point
  return g.know(g.emit('Sub', [value, fitted]), { dtype: 'float32', shape })
}

/** (A − z)·(B − z) in integers; their gradients in the same unit. */
function integerProduct(
  context: RuleContext,
  op: 'MatMul' | 'Conv',
  weightAxis: number,
  attrs: Node['attrs'],
  scales: { readonly seed?: string; readonly index?: readonly [number, number] } = {},
): Gradients {
  const { g, x, y, dy, wants } = context
  const [aZero, bZero] = scales.index ?? [2, 3]
  const a = centred(context, 0, aZero, null)
  const b = centred(context, 1, bZero, weightAxis)
  const mark = g.mark()
  const product = g.emit(op, [a, b], attrs)
  g.know(product, { dtype: 'float32', shape: context.shape(y[0]!) })
  const wrt = [a, b].filter((_, k) => wants[k])
  const found = context.through(mark, new Map([[product, scales.seed ?? dy[0]!]]), wrt)
  return x.map((_, k) => (wants[k] && k < 2 ? found.get(k === 0 ? a : b)! : null))
}

export const matMulInteger = (context: RuleContext): Gradients =>
  integerProduct(context, 'MatMul', lastAxis(context, 1), {})

export const convInteger = (context: RuleContext): Gradients =>
  integerProduct(context, 'Conv', 0, context.node.attrs)

/** A, B, s, s, z, z, bias: (A − z)·(B − z)·s·s + bias. */
export function matMulIntegerToFloat(context: RuleContext): Gradients {
  const { g, x, dy } = context
  const seed = g.emit('Mul', [dy[0]!, g.emit('Mul', [x[2]!, x[3]!])])
  return integerProduct(context, 'MatMul', lastAxis(context, 1), {}, { seed, index: [4, 5] })
}

/** A real, B, s, z, bias: A is quantized on its way in. dA = dY·((B − z)·s)ᵀ. */
export function dynamicQuantizeMatMul(context: RuleContext): Gradients {
  const { g, x, dy, wants } = context
  if (!wants[0]) return [null]
  const { shape } = g.info(x[1]!)
  const weight = g.emit('Mul', [centred(context, 1, 3, lastAxis(context, 1)), x[2]!])
  const perm = shape.map((_, axis) => axis)
  perm.push(...perm.splice(-2).toReversed())
  return [g.emit('MatMul', [dy[0]!, g.emit('Transpose', [weight], { perm })])]
}
