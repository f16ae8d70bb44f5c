import type { LoweringTable, Lowering } from './lowering.js'

/** x · σ(αx) (Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2). */
const quickGelu: Lowering = ({ g, x, float, scalar }) => {
  const scaled = g.emit('Mul', [x[0]!, scalar(float('alpha', 1.702))])
  return [g.emit('Mul', [x[0]!, g.emit('Sigmoid', [scaled])])]
}

export const msActivations: LoweringTable = { 'com.microsoft:QuickGelu': quickGelu }
