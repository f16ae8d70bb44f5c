/**
 * Regularised incomplete beta function I_x(a, b): the chance that a Beta(a, b) variable is at most x.
 * With whole a, b it is a binomial tail: I_p(k, n − k + 1) = P(X ≥ k), X ~ Binomial(n, p).
 *
 * @param a - > 0
 * @param b - > 0; a + b up to 1e7 was tested
 * @param x - in [0, 1]
 * @returns relative error below 1e-11 wherever the result is below ½ and above the smallest double
 * Cost: O(√(a + b)) steps of the continued fraction near x = a / (a + b), a handful elsewhere.
 * Source: DLMF 8.17.22, by the modified Lentz method; the factor before it as a binomial probability after
 * Loader 2000, "Fast and accurate computation of binomial probabilities", which loses no digits to lgamma.
 * @throws RangeError outside the domain
 */
export function incompleteBeta(a: number, b: number, x: number): number {
  if (!(a > 0 && b > 0)) throw new RangeError(`a and b must be positive, got ${a}, ${b}`)
  if (!(x >= 0 && x <= 1)) throw new RangeError(`x must lie in [0, 1], got ${x}`)
  return regularised(a, b, x, 1 - x)
}

/** x and y = 1 − x are both passed: each keeps its digits near 0. */
function regularised(a: number, b: number, x: number, y: number): number {
  if (x === 0) return 0
  if (y === 0) return 1
  if (x > (a + 1) / (a + b + 2)) return 1 - regularised(b, a, y, x)
  // x^a y^b / B(a, b) = (ab / (a + b)) · Γ(a+b+1) / (Γ(a+1) Γ(b+1)) x^a y^b; the fraction wants it over a.
  const front = (b / (a + b)) * binomialTerm(a, b, x, y)
  return front === 0 ? 0 : Math.min(1, front / continuedFraction(a, b, x))
}

const smallestPivot = 1e-300

/** The denominator 1 + d1/(1 + d2/(1 + …)) of DLMF 8.17.22. */
function continuedFraction(a: number, b: number, x: number): number {
  let value = 1
  let c = 1
  let d = 0
  for (let k = 1; k < 1_000_000; k++) {
    const m = k >> 1
    const coefficient =
      k % 2 === 0
        ? (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
        : (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / awayFromZero(1 + coefficient * d)
    c = awayFromZero(1 + coefficient / c)
    value *= c * d
    if (Math.abs(c * d - 1) < 4 * Number.EPSILON) return value
  }
  throw new Error(`incomplete beta did not converge for a=${a}, b=${b}, x=${x}`)
}

function awayFromZero(value: number): number {
  return Math.abs(value) < smallestPivot ? smallestPivot : value
}

/** Γ(a+b+1) / (Γ(a+1) Γ(b+1)) x^a y^b for a, b > 0 and x + y = 1: Loader's saddle-point form. */
function binomialTerm(a: number, b: number, x: number, y: number): number {
  const n = a + b
  const log =
    stirlingError(n) - stirlingError(a) - stirlingError(b) - deviance(a, n * x) - deviance(b, n * y)
  return Math.exp(log) * Math.sqrt(n / (2 * Math.PI * a * b))
}

/** ln Γ(z+1) − ln(√(2πz) (z/e)^z): Stirling's series for z ≥ 16, reached by the recurrence below it. */
function stirlingError(z: number): number {
  let shift = 0
  let w = z
  for (; w < 16; w++) shift += (w + 0.5) * Math.log1p(1 / w) - 1
  const r = 1 / (w * w)
  return (
    shift +
    (1 / 12 -
      r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r * (1 / 1188 - (r * 691) / 360360))))) /
      w
  )
}

/** k ln(k / m) + m − k ≥ 0, without cancellation where k is near m. */
function deviance(k: number, m: number): number {
  const v = (k - m) / (k + m)
  if (Math.abs(v) > 0.1) return k * Math.log(k / m) + m - k
  // ln(k/m) = 2 artanh(v), so the sum is (k − m) v + 2k (v³/3 + v⁵/5 + …).
  let sum = (k - m) * v
  let power = 2 * k * v
  for (let j = 3; ; j += 2) {
    power *= v * v
    const next = sum + power / j
    if (next === sum) return sum
    sum = next
  }
}
