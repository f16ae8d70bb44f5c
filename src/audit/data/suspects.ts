import type { DetectorOutcome } from './audit.js'
import type { Flag, Suspect } from './result.js'
import type { VersionDiff } from './versions.js'

/** Name under which samples with another label than before stand among the suspects. */
export const versionsDetector = 'previous-version'

/**
 * One list of all suspects: of the detectors whose verdict may be used, and of relabelled samples. First are those that
 * the most of them flag, then those that stand highest in their lists.
 */
export function rankSuspects(
  outcomes: readonly DetectorOutcome[],
  labels: Int32Array,
  versions: VersionDiff | null,
): Suspect[] {
  const flags = new Map<number, { flag: Flag; place: number }[]>()
  const add = (index: number, flag: Flag, place: number): void => {
    const own = flags.get(index)
    if (own) own.push({ flag, place })
    else flags.set(index, [{ flag, place }])
  }
  for (const { result, detection } of outcomes) {
    if (!detection || (result.status !== 'used' && result.status !== 'unchecked')) continue
    const { scores, suspects, threshold, reasons } = detection
    const order = Array.from(suspects).sort((a, b) => scores[b]! - scores[a]! || a - b)
    order.forEach((index, at) => {
      const own = typeof threshold === 'number' ? threshold : threshold[labels[index]!]!
      const reason = reasons?.get(index) ?? result.title
      const flag = { detector: result.id, score: scores[index]!, threshold: own, reason }
      add(index, flag, at / order.length)
    })
  }
  for (const { index, oldLabel } of versions?.relabelled ?? []) {
    const reason = `label ${oldLabel} in the previous version`
    add(index, { detector: versionsDetector, score: 1, threshold: 0, reason }, 0)
  }
  return [...flags]
    .map(([index, own]) => ({
      index,
      flags: own.map(({ flag }) => flag),
      place: own.reduce((sum, { place }) => sum + place, 0) / own.length,
    }))
    .sort((a, b) => b.flags.length - a.flags.length || a.place - b.place || a.index - b.index)
    .map(({ index, flags: own }, at) => ({
      rank: at + 1,
      index,
      label: labels[index]!,
      flags: own,
    }))
}
