/** A share of the range as grey levels, where it is a whole number of them: 16/255 reads better than 0.0627. */
function shareText(share: number): string {
  const levels = 255 * share
  const whole = Math.round(levels)
  return Math.abs(levels - whole) < 1e-9 ? `${whole}/255` : String(Number(share.toPrecision(4)))
}

/** For labels: a blank and an epsilon that was given, or nothing. */
export const epsilonText = (epsilon: number | undefined): string =>
  epsilon === undefined ? '' : ` ${shareText(epsilon)}`
