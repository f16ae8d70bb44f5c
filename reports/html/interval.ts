import type { PairedDifference } from '../../src/stats/types.js'
import type { RunReport } from '../../src/reporter.js'
import { directionOf, type Direction } from '../view.js'
import { markup, type Markup } from './markup.js'

/** Series colours in style.ts; versions beyond them begin again with the first, and are dashed in the chart. */
export const seriesColours = 10

/** The CSS colour of a version, the same in every table and chart. */
export function seriesColour({ versions }: RunReport, version: string): string {
  const index = Math.max(
    0,
    versions.findIndex((known) => known.version === version),
  )
  return `var(--series-${(index % seriesColours) + 1})`
}

interface Estimate {
  readonly estimate: number
  readonly low: number
  readonly high: number
}

/** A share on a 0–100 % track: dot for the estimate, bar for the interval. Decoration: numbers stand beside it. */
export function shareBar(share: Estimate & { readonly trials: number }): Markup {
  if (share.trials === 0) return markup``
  return markup`<span class="bar" aria-hidden="true"><i style="left:${percent(share.low)};width:${percent(share.high - share.low)}"></i><b style="left:${percent(share.estimate)}"></b></span>`
}

/** A difference on a track from −`reach` to +`reach`, zero in the middle. */
export function differenceBar(difference: PairedDifference, reach: number): Markup {
  return differenceTrack(difference, directionOf(difference), reach)
}

export function differenceTrack(difference: Estimate, direction: Direction, reach: number): Markup {
  const at = (value: number) => (Math.max(-reach, Math.min(reach, value)) / reach + 1) / 2
  const low = at(difference.low)
  return markup`<span class="bar diff ${direction}" aria-hidden="true"><i style="left:${percent(low)};width:${percent(at(difference.high) - low)}"></i><b style="left:${percent(at(difference.estimate))}"></b></span>`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`
}
