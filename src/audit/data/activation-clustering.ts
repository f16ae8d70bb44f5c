import { z } from 'zod'
import { defineDetector } from '../types.js'
import { rowsByClass } from './lib/calibrate.js'
import { reduceByClass } from './lib/reduce.js'
import { judgeSplits, type Split } from './lib/splits.js'
import { twoMeans } from './lib/two-means.js'
import type { Rng } from '../../util/rng.js'

/** Spread of ln separation over clean classes. Set by hand, so that few clean digits and glyphs were flagged on seeds 901 to 908. */
const usualSpread = 0.2

/**
 * Poison of a class makes a cluster of its own in the features. Each class is split by 2-means after a reduction to its
 * principal components; the lesser cluster is suspect where it lies farther off than in other classes. The paper judges
 * a split by its silhouette or by relative sizes, with cut-offs by eye; the distance of the clusters in deviations
 * within them says the same, and has a null distribution: the other classes.
 */
export const activationClustering = defineDetector({
  id: 'activation-clustering',
  version: 1,
  title: 'Activation clustering',
  source: 'Chen et al. 2018, arXiv:1811.03728',
  needs: ['model'],
  params: z.object({
    dims: z.int().min(2).max(64).default(10).describe('principal components of a class'),
  }),
  async detect(context, { dims: wanted }) {
    const { source, falsePositiveRate, rng } = context
    const { rows: data, labels, dims } = await reduceByClass(context, wanted)
    const splits: Split[] = []
    const classes = rowsByClass(new Float64Array(source.count), labels, source.classes)
    for (const [label, rows] of classes.entries()) {
      context.checkpoint()
      if (rows.length > 0)
        splits.push(splitOf(label, data, rows, dims, rng.fork('clusters', label)))
    }
    return judgeSplits(source, splits, falsePositiveRate, usualSpread)
  },
})

/** Positions along the line through the centres; 0 is half-way, where 2-means cuts. */
function splitOf(
  label: number,
  data: Float32Array,
  rows: Int32Array,
  dims: number,
  rng: Rng,
): Split {
  const { centres, lesser } = twoMeans(data, rows, dims, rng)
  const axis = Float64Array.from({ length: dims }, (_, i) => centres[dims + i]! - centres[i]!)
  const length = Math.hypot(...axis) || 1
  const position = Float64Array.from(rows, (row) => {
    let along = 0
    for (let i = 0; i < dims; i++)
      along +=
        (axis[i]! / length) * (data[row * dims + i]! - (centres[i]! + centres[dims + i]!) / 2)
    return along
  })
  // The centres are the parts' means: their positions are ± half the length.
  const squares = position.reduce((sum, p) => sum + (Math.abs(p) - length / 2) ** 2, 0)
  const within = Math.sqrt(squares / rows.length) || 1e-300
  return {
    label,
    rows,
    depth: position.map((p) => p / within),
    separation: length / within,
    share: lesser / rows.length,
  }
}
