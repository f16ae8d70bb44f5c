import { z } from 'zod'
import { defineDetector, type AuditContext } from '../types.js'
import { detection, normalThreshold, rowsByClass, standardise } from './lib/calibrate.js'
import { contentKeys, sameContent } from './lib/content.js'
import { embed } from './lib/embed.js'
import { findNeighbours, type Neighbours } from './lib/neighbours.js'

/**
 * The same or nearly the same sample with another label. A sample's score is how much nearer than usual for its label
 * the nearest sample of another label is, −ln d in scales of the bulk; suspects are those nearer than a share of the
 * distance between neighbours of one label, however many clean classes come close. Equal samples always are.
 */
export const nearDuplicates = defineDetector({
  id: 'near-duplicates',
  version: 1,
  title: 'Near-duplicates across labels',
  source:
    'Indyk & Motwani 1998 (approximate nearest neighbours); Barz & Denzler 2020, arXiv:1902.00423',
  needs: [],
  params: z.object({
    nearness: z
      .number()
      .positive()
      .max(1)
      .default(0.25)
      .describe('share of the median distance between neighbours of one label'),
  }),
  async detect(context, { nearness }) {
    const { source, falsePositiveRate: rate, rng, checkpoint } = context
    const embedding = await embed(context, 'input')
    const { labels } = embedding
    const found = findNeighbours(embedding, { most: 1, rng: rng.fork('search'), checkpoint })
    const twins = await exactTwins(context, labels)
    const usual = medianNearest(found, labels, source.classes)
    const raw = Float64Array.from(labels, (label, i) => {
      const share = Math.sqrt(found.other[i]! / (usual[label]! || 1))
      return -Math.log(Math.min(1e6, Math.max(1e-6, share)))
    })
    twins.forEach((_, i) => (raw[i] = Math.log(1e6)))
    const scores = standardise(raw, labels, source.classes, 1)
    const all = detection(scores, normalThreshold(rate, 1))
    const suspects = Int32Array.from(labels.keys()).filter(
      (i) => twins.has(i) || (scores[i]! > all.threshold && raw[i]! > -Math.log(nearness)),
    )
    const reasons = new Map(
      Array.from(suspects, (i) => {
        const twin = twins.get(i) ?? found.otherIndex[i]!
        return [i, `${twins.has(i) ? 'equal to' : 'nearly'} ${twin} (label ${labels[twin]})`]
      }),
    )
    return { ...all, suspects, reasons }
  },
})

/** Of each sample that has an equal one with another label, that one. */
async function exactTwins(context: AuditContext, labels: Int32Array): Promise<Map<number, number>> {
  const twins = new Map<number, number>()
  for (const group of sameContent(await contentKeys(context.source, context.checkpoint)))
    for (const i of group) {
      const twin = group.find((j) => labels[j] !== labels[i])
      if (twin !== undefined) twins.set(i, twin)
    }
  return twins
}

/** Of each label, the median squared distance from a sample to the nearest of the same label. */
function medianNearest(found: Neighbours, labels: Int32Array, classes: number): Float64Array {
  const same = Float64Array.from(found.same, (value) => (value === Infinity ? NaN : value))
  return Float64Array.from(rowsByClass(same, labels, classes), (rows) => {
    const sorted = Float64Array.from(rows, (i) => same[i]!).sort()
    return sorted[Math.floor(sorted.length / 2)] ?? NaN
  })
}
