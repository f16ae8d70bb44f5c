import type { AuditSource } from '../../types.js'

/** Ratio of class sizes beyond which statistics by class say nothing (signal B11). */
const greatestRatio = 10

/** Why detectors that compare classes do not fit these data, or null. */
export function imbalance({ classCounts }: Pick<AuditSource, 'classCounts'>): string | null {
  const present = classCounts.filter((count) => count > 0)
  if (present.length < 2) return 'the data hold one class only'
  const ratio = Math.max(...present) / Math.min(...present)
  return ratio > greatestRatio ? `class shares differ ${Math.round(ratio)}-fold` : null
}
