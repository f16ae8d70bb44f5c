import { z } from 'zod'
import { defineDetector, type AuditContext } from '../types.js'
import { detection, standardise, thresholdFor } from './lib/calibrate.js'
import { softmax } from './lib/softmax.js'
import { drawSubset } from './lib/subset.js'

/**
 * A trigger decides even with another picture laid over it: the entropy of the predictions stays low. A sample's score is
 * how far its mean entropy lies below its class's, in scales of the class's bulk.
 */
export const strip = defineDetector({
  id: 'strip',
  version: 1,
  title: 'STRIP: entropy under superposition',
  source: 'Gao et al. 2019, arXiv:1902.06531',
  needs: ['model'],
  params: z.object({
    overlays: z.int().min(2).max(500).default(20).describe('samples laid over each sample'),
  }),
  async detect(context, { overlays }) {
    const { source, falsePositiveRate: rate } = context
    const { raw, labels } = await lowEntropies(context, overlays)
    const logs = raw.map((value) => -Math.log(1e-6 - value))
    const scores = standardise(logs, labels, source.classes, 1)
    return detection(scores, thresholdFor(scores, labels, source.classes, rate, 1))
  },
})

/** Minus the mean entropy (nats) of each sample's superpositions. */
async function lowEntropies(context: AuditContext, overlays: number) {
  const { source, rng, checkpoint } = context
  const size = source.shape.reduce((product, side) => product * side, 1)
  const share = (overlays * 4) / source.count
  const draws = rng.fork('overlays')
  const picked = new Set<number>()
  if (share < 1) for (let i = 0; i < source.count; i++) if (draws.uniform() < share) picked.add(i)
  const isIn = (index: number): boolean => picked.size === 0 || picked.has(index)
  const bank = await drawSubset(source, isIn, rng.fork('bank'), checkpoint)
  const [low, high] = source.range
  const raw = new Float64Array(source.count)
  const labels = new Int32Array(source.count)
  const choice = rng.fork('choice')
  for await (const batch of source.batches()) {
    labels.set(batch.labels, batch.from)
    for (let round = 0; round < overlays; round++) {
      checkpoint()
      const laid = batch.x.slice()
      batch.labels.forEach((_, r) => {
        // One for each sample: one for a batch would make its samples alike.
        const over = choice.below(bank.labels.length)
        for (let i = 0; i < size; i++) {
          const sum = laid[r * size + i]! + bank.x[over * size + i]! - low
          laid[r * size + i] = Math.min(high, sum)
        }
      })
      const scores = await context.model!.scores(laid)
      const width = scores.length / batch.labels.length
      batch.labels.forEach((_, r) => {
        raw[batch.from + r]! -= entropy(softmax(scores, r, width)) / overlays
      })
    }
  }
  return { raw, labels }
}

const entropy = (p: Float64Array): number =>
  p.reduce((sum, value) => (value > 0 ? sum - value * Math.log(value) : sum), 0)
