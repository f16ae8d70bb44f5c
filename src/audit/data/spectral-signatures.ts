import { z } from 'zod'
import { defineDetector } from '../types.js'
import { classThreshold, detection, normalThreshold, standardise } from './lib/calibrate.js'
import { imbalance } from './lib/imbalance.js'
import { reduceByClass } from './lib/reduce.js'

/**
 * Poison of a class shifts its features along one direction, which the top singular vector of the centred features then
 * follows. The paper removes a fixed share, 1.5 times the poison it expects; here the projection is measured in scales of
 * the class's bulk, and the threshold is that of clean classes.
 */
export const spectralSignatures = defineDetector({
  id: 'spectral-signatures',
  version: 1,
  title: 'Spectral signatures',
  source: 'Tran, Li & Madry 2018, arXiv:1811.00636',
  needs: ['model'],
  params: z.object({}),
  async detect(context) {
    const { source, falsePositiveRate: rate } = context
    const { rows, labels } = await reduceByClass(context, 1)
    const scores = standardise(Float64Array.from(rows), labels, source.classes, 2)
    const threshold = Math.max(
      normalThreshold(rate, 2),
      classThreshold(scores, labels, source.classes, rate),
    )
    return detection(scores, threshold, { notApplicable: imbalance(source) })
  },
})
