import { z } from 'zod'
import { defineDetector } from '../types.js'
import { detection, standardise } from './lib/calibrate.js'
import { embed } from './lib/embed.js'
import { findNeighbours } from './lib/neighbours.js'
import { tUpperQuantile } from '../../stats/student.js'

/** Log ratios of distances have a tail heavier than a normal bulk's: Student's, of so many degrees of freedom. */
const tailFreedom = 5

/**
 * A wrong label lies among samples of another class. A sample's score is how much nearer its k-th neighbour of another
 * label is than its k-th neighbour of its own, ln(d same / d other), in scales of the bulk of its label's samples.
 */
export const labelConflict = defineDetector({
  id: 'label-conflict',
  version: 1,
  title: 'Nearest neighbours of another label',
  source: 'Peri et al. 2020, arXiv:1909.13374 (deep k-NN); distances in place of votes',
  needs: [],
  params: z.object({
    k: z.int().min(1).max(50).default(3).describe('which neighbour of each kind'),
    space: z
      .enum(['input', 'features'])
      .default('input')
      .describe(
        'what is compared: the samples, or features of a model that did not learn their labels',
      ),
  }),
  async detect(context, { k, space }) {
    const { source, falsePositiveRate: rate, rng, checkpoint } = context
    if (space === 'features' && !context.model) {
      const scores = new Float64Array(source.count).fill(NaN)
      return detection(scores, Infinity, { notApplicable: 'there is no model to take features of' })
    }
    const embedding = await embed(context, space)
    const { labels } = embedding
    const found = findNeighbours(embedding, { most: k, rng: rng.fork('search'), checkpoint })
    const raw = Float64Array.from(labels, (_, i) => {
      const [same, other] = [found.same[i * k + k - 1]!, found.other[i * k + k - 1]!]
      // Far from all others: nothing near it contradicts its label.
      if (other === Infinity) return -Infinity
      return 0.5 * (Math.log(Math.min(same, 1e30) + 1e-30) - Math.log(other + 1e-30))
    })
    const least = leastOf(raw)
    const finite = raw.map((value) => Math.max(least, value))
    const scores = standardise(finite, labels, source.classes, 1)
    const all = detection(scores, tUpperQuantile(Math.min(0.5, rate), tailFreedom))
    const suspects = all.suspects.filter((i) => finite[i]! > 0)
    const reasons = new Map(
      Array.from(suspects, (i) => {
        const twin = found.otherIndex[i * k]!
        return [i, `nearest to ${twin} (label ${labels[twin]})`]
      }),
    )
    return { ...all, suspects, reasons }
  },
})

const leastOf = (values: Float64Array): number =>
  values.reduce((least, value) => (value === -Infinity ? least : Math.min(least, value)), 0)
