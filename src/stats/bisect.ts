/**
 * The point of [low, high] where `isBelow` turns from true to false, to the last bits of a double.
 *
 * Bisection, because the functions inverted here are monotone but have kinks and infinite slopes at
 * the ends of their range, where faster methods lose their bracket. About 60 evaluations.
 *
 * @param isBelow - true left of the wanted point, false right of it
 */
export function bisect(isBelow: (x: number) => boolean, low: number, high: number): number {
  let left = low
  let right = high
  for (;;) {
    const middle = left + (right - left) / 2
    const width = right - left
    // Relative to the magnitude, so that limits near 0 keep their digits.
    if (middle <= left || middle >= right || width <= Number.MIN_VALUE / Number.EPSILON)
      return middle
    if (width <= 2 * Number.EPSILON * Math.max(Math.abs(left), Math.abs(right))) return middle
    if (isBelow(middle)) left = middle
    else right = middle
  }
}
