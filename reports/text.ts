import { formatP, formatPointsInterval, formatShareInterval } from '../src/stats/format.js'
import { formatEpsilon, normLabels, type Norm } from '../src/threat/threat-model.js'

/** Short forms for tables; sentences use src/stats/format.ts as it is. */

/** `L∞ 8/255`, `L∞ 8/255, 8-bit`; empty for clean accuracy, which has no threat. */
export function formatThreat(threat: {
  readonly norm?: Norm | undefined
  readonly epsilon?: number | undefined
  readonly constraints?: string | undefined
}): string {
  if (threat.norm === undefined || threat.epsilon === undefined) return ''
  const { constraints = '' } = threat
  return `${normLabels[threat.norm]} ${formatEpsilon(threat.epsilon)}${constraints && `, ${constraints}`}`
}

/** Of a cell that lacks samples. */
export const incompleteText = ({ samples }: { readonly samples: number }): string =>
  samples === 0 ? 'did not run' : 'incomplete: numbers are of what was done'

/** What p in a comparison is, for those who know the field. */
export const pMeaning = (candidate: string): string =>
  `p: exact McNemar, one-sided (${candidate} is worse), Holm over all rows`

interface Interval {
  readonly low: number
  readonly high: number
  readonly confidence: number
}

/** The interval without its confidence, for columns that name it once: `58.2 to 64.3`. */
export function shareRange(share: Interval): string {
  return formatShareInterval(share).replace(/^.* CI /, '')
}

/** `−53.1 to −44.4`, in percentage points; one trial has none. */
export function pointsRange(difference: Interval): string {
  if (!Number.isFinite(difference.low)) return 'no interval'
  return formatPointsInterval(difference).replace(/^.* CI /, '')
}

/** `0.012`, `< 1e-6`: for columns headed p. */
export function pNumber(p: number): string {
  return formatP(p).replace(/^p (= )?/, '')
}

/** A number a person reads at a glance: three significant digits, no trailing zeros. */
export function formatNumber(value: number): string {
  return String(Number(value.toPrecision(3)))
}

/** `0.8 s`, `42 s`, `3 min 05 s`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 120) return `${whole} s`
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`
}

/** Keeps a number and its unit, or a norm and its epsilon, on one line. */
export function tie(text: string): string {
  return text
    .replace(/(\d|[<=]) (?=%|pp\b|\d)/g, '$1\u00A0')
    .replace(/(L∞|L2|L1) (?=\d)/g, '$1\u00A0')
    .replace(/\bp (?=[=<])/g, 'p\u00A0')
}
