import { z } from 'zod'
import { defineDetector } from '../types.js'
import { detection, normalThreshold, standardise } from './lib/calibrate.js'
import { labelsOf } from './lib/features.js'

/** Probabilities below are all the same to a float32 network. */
const leastProbability = 1e-7

/**
 * A label is in doubt where a network that never saw it is confident of another class: of at least the mean probability
 * that samples labelled as that class have for it (the confident joint). A sample's score is ln p(other) − ln p(label),
 * in scales of the bulk of its label's samples; only doubtful ones can be suspects.
 */
export const confidentLearning = defineDetector({
  id: 'confident-learning',
  version: 1,
  title: 'Confident learning: label errors',
  source: 'Northcutt, Jiang & Chuang 2021, arXiv:1911.00068',
  needs: ['outOfSample'],
  params: z.object({}),
  async detect(context) {
    const { source, outOfSample, falsePositiveRate: rate } = context
    const { classes } = source
    const p = outOfSample!
    const labels = await labelsOf(context)
    const confidence = meanConfidence(p, labels, classes)
    const raw = new Float64Array(source.count)
    const better = new Int32Array(source.count).fill(-1)
    labels.forEach((label, i) => {
      const own = p.subarray(i * classes, (i + 1) * classes)
      const other = rival(own, label)
      raw[i] = logOf(own[other]!) - logOf(own[label]!)
      if (own[other]! >= confidence[other]! && own[other]! > own[label]!) better[i] = other
    })
    const scores = standardise(raw, labels, classes, 1)
    const all = detection(scores, normalThreshold(rate, 1))
    const suspects = all.suspects.filter((i) => better[i]! >= 0)
    const reasons = new Map(
      Array.from(suspects, (i) => [
        i,
        `a network trained without it says ${better[i]} (p ${p[i * classes + better[i]!]!.toFixed(2)})`,
      ]),
    )
    return { ...all, suspects, reasons }
  },
})

const logOf = (p: number): number => Math.log(Math.max(leastProbability, p))

/** The likeliest class but the label. */
function rival(p: Float32Array, label: number): number {
  let best = label === 0 ? 1 : 0
  p.forEach((value, c) => {
    if (c !== label && value > p[best]!) best = c
  })
  return best
}

/** Equation (2): mean probability of class j over the samples labelled j; 1 for a class without samples. */
function meanConfidence(p: Float32Array, labels: Int32Array, classes: number): Float64Array {
  const sums = new Float64Array(classes)
  const counts = new Int32Array(classes)
  labels.forEach((label, i) => {
    sums[label]! += p[i * classes + label]!
    counts[label]!++
  })
  return sums.map((sum, c) => (counts[c]! > 0 ? sum / counts[c]! : 1))
}
