import { tensorOf } from '../../graph/tensor.js'
import type { Objective } from './objective.js'

/** Σ z */
export const sum: Objective = {
  title: 'sum of all elements',
  feeds: null,
  feedName: 'target',
  build({ g, dtype, output, shape }) {
    const value = tensorOf(dtype, [1], [1])
    return {
      terms: output,
      rank: shape.length,
      dOutput: g.emit('ConstantOfShape', [g.emit('Shape', [output])], {
        value: { kind: 'tensor', value },
      }),
    }
  },
}

/** Σ s·z with a seed s that is fed: gradients are the vector–Jacobian product sᵀ·∂z. */
export const vjp: Objective = {
  title: 'vector–Jacobian product',
  feeds: 'values',
  feedName: 'seed',
  build({ g, output, shape, fed }) {
    return { terms: g.emit('Mul', [output, fed]), rank: shape.length, dOutput: fed }
  },
}
