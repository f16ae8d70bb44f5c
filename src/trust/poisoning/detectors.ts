import { armOf, sharesOf, type TrialSet } from '../../plan/trial-arms.js'
import type { DetectorResult } from '../../plan/trial.js'
import { formatCounted, formatPercent, formatSharePlain } from '../../stats/format.js'
import { clopperPearson } from '../../stats/proportion.js'
import { meanOf } from '../../stats/trials.js'
import type { ClassCounts, PoisonCheck, Raised } from './types.js'

/** One-sided level of what is called sure. */
const significance = 0.05
const oneSided = 1 - 2 * significance

/** Largest class over smallest. */
const mostUneven = 10

/** Where a filter takes out more, nothing is left that could be trained on. */
const nearlyAll = 0.9

/** What a detector said in each trial in which it applies. */
function verdictsOf({ results }: TrialSet, detector: string): DetectorResult[] {
  return results.flatMap(({ detectors }) =>
    detectors.filter((one) => one.detector === detector && one.notApplicable === null),
  )
}

const detectorsOf = ({ results }: TrialSet): string[] => [
  ...new Set(results.flatMap(({ detectors }) => detectors.map(({ detector }) => detector))),
]

/**
 * B5. The control is the same in every trial, so that ten of them are no ten times the samples: their mean is held against
 * the samples of one.
 */
export const falseAlarms: PoisonCheck = (set) =>
  detectorsOf(set).flatMap((detector): Raised[] => {
    const verdicts = verdictsOf(set, detector)
    const { falsePositiveRate: stated } = set.record
    const samples = Math.round(meanOf(verdicts.map((one) => one.samples)))
    const flagged = Math.round(meanOf(verdicts.map((one) => one.flaggedInControl)))
    if (!(samples > 0) || !(clopperPearson(flagged, samples, oneSided).low > stated)) return []
    return [
      {
        signal: 'B5',
        severity: 'error',
        filter: detector,
        text: `${detector} flags ${formatPercent(flagged / samples, stated)} of ${formatCounted(samples, 'clean sample')}, stated are ${formatSharePlain(stated)}`,
      },
    ]
  })

/** B6 */
export const removesAll: PoisonCheck = (set) =>
  detectorsOf(set).flatMap((detector): Raised[] => {
    const { results } = set
    const flagged = meanOf(verdictsOf(set, detector).map((one) => one.flagged / one.samples))
    if (flagged > nearlyAll)
      return [
        {
          signal: 'B6',
          severity: 'error',
          filter: detector,
          text: `${detector} flags ${formatPercent(flagged)} of all samples: next to nothing is left to train on`,
        },
      ]
    const [before, after] = (['poisoned', 'filtered'] as const).map((arm) =>
      meanOf(
        sharesOf(
          results,
          (result) => armOf(result, arm, arm === 'filtered' ? detector : null)?.attackSuccess,
        ),
      ),
    ) as [number, number]
    if (!(after < before / 2)) return []
    const removals = results.flatMap((result) => {
      const arm = armOf(result, 'filtered', detector)
      const samples = result.detectors.find((one) => one.detector === detector)?.samples ?? 0
      return arm && samples > 0 && result.poisons > 0
        ? [{ share: arm.removed / samples, found: arm.removedPoisons, poisons: result.poisons }]
        : []
    })
    if (removals.length === 0) return []
    const share = meanOf(removals.map((one) => one.share))
    const found = Math.round(meanOf(removals.map((one) => one.found)))
    const poisons = Math.round(meanOf(removals.map((one) => one.poisons)))
    if (clopperPearson(Math.min(found, poisons), poisons, oneSided).low > share) return []
    const random = meanOf(
      sharesOf(results, (result) => armOf(result, 'filtered', 'random')?.attackSuccess),
    )
    const beside = Number.isNaN(random) ? '' : `; the random filter leaves ${formatPercent(random)}`
    return [
      {
        signal: 'B6',
        severity: 'error',
        filter: detector,
        text: `${detector} removes ${formatPercent(share)} of all samples and ${formatPercent(found / poisons)} of the poisoned ones; attack success ${formatPercent(before)} → ${formatPercent(after)}${beside}`,
      },
    ]
  })

/** B11 */
export const notApplicable: PoisonCheck = (set, { classes }) => {
  const uneven = unevenness(classes)
  return detectorsOf(set).flatMap((detector): Raised[] => {
    const refusal = set.results
      .flatMap(({ detectors }) => detectors)
      .find((one) => one.detector === detector && one.notApplicable !== null)
    const text =
      refusal?.notApplicable ??
      (uneven > mostUneven
        ? `the largest class has ${uneven.toFixed(0)} times the samples of the smallest`
        : undefined)
    return text === undefined
      ? []
      : [{ signal: 'B11', severity: 'warning', filter: detector, text: `${detector}: ${text}` }]
  })
}

/** Of classes that have samples at all. */
function unevenness({ training = [] }: ClassCounts = {}): number {
  const counts = training.filter((count) => count > 0)
  return counts.length === 0 ? 1 : Math.max(...counts) / Math.min(...counts)
}
