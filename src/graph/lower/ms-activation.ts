import { gelu, tanhGelu } from './activate.js'
import type { Lowering, LoweringTable } from './lowering.js'

/** x · σ(αx) (Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2). */
const quickGelu: Lowering = ({ g, x, float, scalar }) => {
  const scaled = g.emit('Mul', [x[0]!, scalar(float('alpha', 1.702))])
  return [g.emit('Mul', [x[0]!, g.emit('Sigmoid', [scaled])])]
}

const withBias: (activation: typeof gelu) => Lowering = (activation) => (view) => {
  const { g, x } = view
  return [activation(view, x[1] ? g.emit('Add', [x[0]!, x[1]]) : x[0]!)]
}

export const msActivations: LoweringTable = {
  'com.microsoft:Gelu': (view) => [gelu(view, view.x[0]!)],
  'com.microsoft:BiasGelu': withBias(gelu),
  'com.microsoft:FastGelu': withBias(tanhGelu),
  'com.microsoft:QuickGelu': quickGelu,
}
