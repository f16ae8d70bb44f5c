import type { Objective } from './objective.js'

/** Σ max(z, 0) − z·t + log(1 + e^−|z|), whose gradient is σ(z) − t: the form that no z overflows. */
export const bceLogits: Objective = {
  title: 'binary cross-entropy of logits',
  feeds: 'values',
  feedName: 'target',
  build({ g, dtype, output, shape, fed }) {
    const decay = g.emit('Exp', [g.emit('Neg', [g.emit('Abs', [output])])])
    const rest = g.emit('Log', [g.emit('Add', [decay, g.scalar(1, dtype)])])
    const linear = g.emit('Sub', [g.emit('Relu', [output]), g.emit('Mul', [output, fed])])
    return {
      terms: g.emit('Add', [linear, rest]),
      rank: shape.length,
      dOutput: g.emit('Sub', [g.emit('Sigmoid', [output]), fed]),
    }
  },
}
