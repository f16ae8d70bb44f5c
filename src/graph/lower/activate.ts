import { GauntletError } from '../../errors.js'
import { float } from '../builder.js'
import type { NodeView } from '../node-view.js'
import { opsOf } from './ops.js'

/** x · Φ(x), in the form that the compiler recognises as one GELU. */
export function gelu({ g, info, x }: NodeView, value: string): string {
  const ops = opsOf(g, info(x[0]!).dtype)
  const erf = ops.unary('Erf', ops.scale(value, Math.SQRT1_2))
  return ops.scale(ops.mul(value, ops.shift(erf, 1)), 0.5)
}

/** ½ · x · (1 + tanh(√(2/π) · (x + 0.044715·x³))) (Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2). */
export function tanhGelu({ g, info, x }: NodeView, value: string): string {
  const ops = opsOf(g, info(x[0]!).dtype)
  const k = Math.sqrt(2 / Math.PI)
  const slope = ops.shift(ops.scale(ops.mul(value, value), 0.044715 * k), k)
  const t = ops.unary('Tanh', ops.mul(value, slope))
  return ops.mul(ops.scale(value, 0.5), ops.shift(t, 1))
}

/**
 * The activation that ONNX Runtime fused into an operator, by its name there.
 * @param parameters - alpha, beta, … as the fused node has them
 */
export function activate(
  view: NodeView,
  value: string,
  activation: string,
  parameters: readonly number[],
): string {
  const { g } = view
  const [first, second] = parameters
  switch (activation) {
    case '':
      return value
    case 'Relu':
    case 'Tanh':
    case 'Sigmoid':
    case 'HardSwish':
    case 'Softplus':
    case 'Softsign':
      return g.emit(activation, [value])
    case 'LeakyRelu':
      return g.emit('LeakyRelu', [value], { alpha: float(first ?? 0.01) })
    case 'Elu':
      return g.emit('Elu', [value], { alpha: float(first ?? 1) })
    case 'HardSigmoid':
      return g.emit('HardSigmoid', [value], {
        alpha: float(first ?? 0.2),
        beta: float(second ?? 0.5),
      })
    case 'Clip':
      return g.emit('Clip', [value, view.scalar(first ?? -3.4e38), view.scalar(second ?? 3.4e38)])
    case 'Gelu':
      return gelu(view, value)
    default:
      throw new GauntletError('GNT_GRAD_NO_RULE', {
        what: `an activation that has no gradient rule in ${view.node.op}`,
        where: `node ${view.node.name}`,
        got: activation,
        fix: 'save the model with a lower optimisation level of ONNX Runtime',
      })
  }
}
