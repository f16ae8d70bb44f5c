import { z } from 'zod'
import { defineDetector } from '../types.js'
import { rowsByClass } from './lib/calibrate.js'
import { reduceByClass } from './lib/reduce.js'
import { robustWhitening, whiten } from './lib/robust-covariance.js'
import { judgeSplits, splitValues, type Split } from './lib/splits.js'
import { jacobiEigen, type Eigen } from './lib/symmetric.js'

/** Spread of ln separation over clean classes. Set by hand, so that few clean digits and glyphs were flagged on seeds 901 to 908. */
const usualSpread = 0.14

/**
 * Spectral signatures after robust whitening: where the bulk of a class varies alike in all directions, little poison
 * stands out. Scores are quantum entropy scores (QUE): x̃ᵀ Q x̃ / tr Q with Q = exp(α (Σ̃ − I) / (‖Σ̃‖ − 1)), Σ̃ the
 * covariance of all whitened samples. Their logarithms are cut in two, and the upper part is suspect where it lies farther
 * off than in other classes. Robust are mean and covariance by the minimum covariance determinant, where the paper
 * filters, which asks for the share of poison. α is 1 where the paper has 4: among few samples of a class the top
 * direction alone is an odd few.
 */
export const spectre = defineDetector({
  id: 'spectre',
  version: 1,
  title: 'SPECTRE: robust whitening and quantum entropy scores',
  source: 'Hayase et al. 2021, arXiv:2104.11315',
  needs: ['model'],
  params: z.object({
    dims: z.int().min(2).max(64).default(10).describe('principal components of a class'),
    alpha: z.number().positive().max(100).default(1).describe('α of the quantum entropy score'),
  }),
  async detect(context, { dims: wanted, alpha }) {
    const { source, falsePositiveRate, rng } = context
    const { rows: data, labels, dims } = await reduceByClass(context, wanted)
    const splits: Split[] = []
    const classes = rowsByClass(new Float64Array(source.count), labels, source.classes)
    for (const [label, rows] of classes.entries()) {
      if (rows.length < 2 * dims) continue
      context.checkpoint()
      const whitening = robustWhitening(data, rows, dims, rng.fork('whitening', label))
      const white = new Float64Array(rows.length * dims)
      rows.forEach((row, i) => white.set(whiten(data, row, dims, whitening), i * dims))
      const eigen = jacobiEigen(secondMoments(white, dims), dims)
      const weights = entropyWeights(eigen.values, alpha)
      const logs = Float64Array.from(rows, (_, i) =>
        Math.log(entropyScore(white.subarray(i * dims, (i + 1) * dims), eigen, weights) + 1e-300),
      )
      splits.push(splitValues(label, rows, logs, 'upper'))
    }
    return judgeSplits(source, splits, falsePositiveRate, usualSpread)
  },
})

function secondMoments(white: Float64Array, dims: number): Float64Array {
  const out = new Float64Array(dims * dims)
  const count = white.length / dims
  for (let r = 0; r < count; r++)
    for (let i = 0; i < dims; i++)
      for (let j = 0; j < dims; j++)
        out[i * dims + j]! += (white[r * dims + i]! * white[r * dims + j]!) / count
  return out
}

/** Eigenvalues of Q / tr Q: a share for each direction. */
function entropyWeights(values: Float64Array, alpha: number): Float64Array {
  const excess = Math.max(1e-6, values[0]! - 1)
  // The greatest exponent is taken out: only shares matter.
  const weights = values.map((value) => Math.exp((alpha * (value - values[0]!)) / excess))
  const sum = weights.reduce((a, b) => a + b, 0)
  return weights.map((weight) => weight / sum)
}

function entropyScore(row: Float64Array, { vectors }: Eigen, weights: Float64Array): number {
  let score = 0
  weights.forEach((weight, k) => {
    let along = 0
    row.forEach((value, i) => (along += vectors[k * row.length + i]! * value))
    score += weight * along * along
  })
  return score
}
