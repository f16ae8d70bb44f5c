import type { Objective } from './objective.js'

/** Σ (z − t)² */
export const mse: Objective = {
  title: 'squared error',
  feeds: 'values',
  feedName: 'target',
  build({ g, dtype, output, shape, fed }) {
    const error = g.emit('Sub', [output, fed])
    return {
      terms: g.emit('Mul', [error, error]),
      rank: shape.length,
      dOutput: g.emit('Mul', [error, g.scalar(2, dtype)]),
    }
  },
}

/** Σ |z − t|; no slope where both are equal. */
export const l1: Objective = {
  title: 'absolute error',
  feeds: 'values',
  feedName: 'target',
  build({ g, output, shape, fed }) {
    const error = g.emit('Sub', [output, fed])
    return {
      terms: g.emit('Abs', [error]),
      rank: shape.length,
      dOutput: g.emit('Sign', [error]),
    }
  },
}
