import { incompleteBeta } from '../../stats/beta.js'
import type { Detection } from '../types.js'

/** A detector on data without poison: what it flags there is false. */
export interface Control {
  readonly flagged: number
  /** Samples it judged. */
  readonly judged: number
  readonly rate: number
  /** Chance to see as many or more if the stated rate holds. */
  readonly p: number
  /** Signal B5: more flags than the stated rate and chance explain; its verdicts are void. */
  readonly isVoid: boolean
}

/** One in a hundred detectors that keep their rate is called void. */
const significance = 0.01

/**
 * @param rate - the stated false-positive rate
 * @param detection - on unpoisoned data
 */
export function judgeControl({ scores, suspects }: Detection, rate: number): Control {
  const judged = scores.reduce((count, score) => (Number.isNaN(score) ? count : count + 1), 0)
  const flagged = suspects.length
  const p = flagged === 0 ? 1 : incompleteBeta(flagged, judged - flagged + 1, rate)
  return { flagged, judged, rate: judged > 0 ? flagged / judged : 0, p, isVoid: p < significance }
}
