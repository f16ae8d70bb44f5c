const minus = '−'

/** The fewest decimals ≥ 1 at which a value that is not at a landmark does not look as if it were. */
function decimalsFor(value: number, landmarks: readonly number[]): number {
  for (let decimals = 1; decimals < 4; decimals++) {
    const looksAlike = landmarks.some(
      (landmark) =>
        value !== landmark &&
        Number(value.toFixed(decimals)) === Number(landmark.toFixed(decimals)),
    )
    if (!looksAlike) return decimals
  }
  return 4
}

function signed(text: string): string {
  return text.replace('-', minus)
}

/**
 * `61.3 %`. More decimals where one would make 0.04 % look like nothing, 99.97 % like everything, or a
 * value look equal to the limit it is held against. A missing value (NaN) is `n/a`.
 *
 * @param share - on [0, 1]
 * @param limit - a share that a different value must not look equal to
 */
export function formatPercent(share: number, limit?: number): string {
  return Number.isNaN(share) ? 'n/a' : `${percentDigits(share, limit)} %`
}

function percentDigits(share: number, limit: number | undefined): string {
  const landmarks = limit === undefined ? [0, 100] : [0, 100, asPercent(limit)]
  const value = asPercent(share)
  return signed(value.toFixed(decimalsFor(value, landmarks)))
}

/** × 100 without the noise of binary fractions: 0.07 gives 7, not 7.000000000000001. */
function asPercent(share: number): number {
  return Number((share * 100).toPrecision(12))
}

/** A configured share as a person writes it: `60 %`, `2.5 %`. */
export function formatSharePlain(share: number): string {
  return `${signed(String(asPercent(share)))} %`
}

/** A configured difference as a person writes it: `2 pp`. */
export function formatPointsPlain(difference: number): string {
  return `${signed(String(asPercent(difference)))} pp`
}

function pointsDigits(difference: number, limit: number | undefined): string {
  const landmarks = limit === undefined ? [0] : [0, asPercent(limit)]
  const value = asPercent(difference)
  const text = value.toFixed(decimalsFor(value, landmarks))
  if (value === 0) return '0.0'
  return value > 0 ? `+${text}` : signed(text)
}

/**
 * A difference of shares in percentage points, with sign: `−48.8 pp`, `+0.3 pp`.
 *
 * @param difference - on [−1, 1]
 * @param limit - a difference that a different value must not look equal to
 */
export function formatPoints(difference: number, limit?: number): string {
  return Number.isNaN(difference) ? 'n/a' : `${pointsDigits(difference, limit)} pp`
}

interface Interval {
  readonly low: number
  readonly high: number
  readonly confidence: number
}

/** `95 % CI 58.2 to 64.3` (per cent). */
export function formatShareInterval(interval: Interval, limit?: number): string {
  const ends = [interval.low, interval.high].map((end) => percentDigits(end, limit))
  return `${formatSharePlain(interval.confidence)} CI ${ends.join(' to ')}`
}

/** `95 % CI −53.1 to −44.4` (percentage points). */
export function formatPointsInterval(interval: Interval, limit?: number): string {
  const ends = [interval.low, interval.high].map((end) => pointsDigits(end, limit))
  return `${formatSharePlain(interval.confidence)} CI ${ends.join(' to ')}`
}

/** `p = 0.012`, `p = 3.1e-5`, `p < 1e-6`; never `p = 0`. */
export function formatP(p: number): string {
  if (Number.isNaN(p)) return 'p n/a'
  if (p < 1e-6) return 'p < 1e-6'
  if (p < 0.001) return `p = ${p.toExponential(1)}`
  if (p > 0.999) return p === 1 ? 'p = 1' : 'p > 0.999'
  return `p = ${p.toPrecision(2)}`
}

/** Thousands in groups, the same in every locale: `12,345`. */
export function formatCount(count: number): string {
  return signed(Math.round(count).toString()).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `1 sample`, `12,345 samples`. */
export function formatCounted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

/** An estimate of a number, rounded up to two digits: 1234 is `1,300`. */
export function formatRoughCount(count: number): string {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, count))) - 1)
  return formatCount(Math.ceil(count / unit) * unit)
}

/** What a poison rate can be a share of. */
export const rateWholes = {
  dataset: 'the data set',
  targetClass: 'the target class',
  sourceClass: 'the source class',
} as const

/** A poison rate with what it is a share of: `1 % of the data set`. */
export function formatRate(rate: {
  readonly value: number
  readonly of: keyof typeof rateWholes
}): string {
  return `${formatSharePlain(rate.value)} of ${rateWholes[rate.of]}`
}
