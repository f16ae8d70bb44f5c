import { z } from 'zod'
import { defineDetector } from '../types.js'
import { rowsByClass } from './lib/calibrate.js'
import { reduceByClass } from './lib/reduce.js'
import { judgeSplits, splitValues } from './lib/splits.js'

/** Spread of ln separation over clean classes. Set by hand, so that few clean digits and glyphs were flagged on seeds 901 to 908. */
const usualSpread = 0.14

/**
 * Poison of a class shifts its features along one direction, which the top singular vector of the centred features then
 * follows. The paper removes a fixed share, 1.5 times the poison it expects, of those that project farthest; here the
 * projections are cut in two, and the lesser part is suspect where it lies farther off than in other classes.
 */
export const spectralSignatures = defineDetector({
  id: 'spectral-signatures',
  version: 1,
  title: 'Spectral signatures',
  source: 'Tran, Li & Madry 2018, arXiv:1811.00636',
  needs: ['model'],
  params: z.object({}),
  async detect(context) {
    const { source, falsePositiveRate } = context
    const { rows: data, labels } = await reduceByClass(context, 1)
    const classes = rowsByClass(new Float64Array(source.count), labels, source.classes)
    const splits = classes.flatMap((rows, label) =>
      rows.length === 0
        ? []
        : [
            splitValues(
              label,
              rows,
              Float64Array.from(rows, (i) => data[i]!),
              'lesser',
            ),
          ],
    )
    return judgeSplits(source, splits, falsePositiveRate, usualSpread)
  },
})
