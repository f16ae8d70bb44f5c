import {
  gradient,
  type Gradients,
  type RuleContext,
  type RuleTable,
} from '../../src/autodiff/rule.js'

/** Y = X·sigmoid(X).  dX = dY·(S + Y·(1 − S)), S = sigmoid(X). */
function swish({ g, x, y, dy, scalar }: RuleContext): Gradients {
  const s = g.emit('Sigmoid', [x[0]!])
  const rest = g.emit('Mul', [y[0]!, g.emit('Sub', [scalar(1), s])])
  return [g.emit('Mul', [dy[0]!, g.emit('Add', [s, rest])])]
}

export const exampleRules: RuleTable = { Swish: gradient(swish) }
