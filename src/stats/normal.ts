const sqrtTwoPi = Math.sqrt(2 * Math.PI)

function density(x: number): number {
  return Math.exp((-x * x) / 2) / sqrtTwoPi
}

/**
 * Standard normal distribution function Φ(x). Relative error below 1e-12, also far in the lower tail;
 * for the upper tail ask for `normalCdf(-x)`.
 *
 * Source: near 0 the series Φ(x) = ½ + φ(x) Σ x^(2k+1) / (1·3·…·(2k+1)), Marsaglia 2004, "Evaluating the
 * normal distribution"; in the tails Laplace's continued fraction, Abramowitz & Stegun 26.2.14.
 */
export function normalCdf(x: number): number {
  if (Number.isNaN(x)) return Number.NaN
  if (x < -3) return lowerTail(-x)
  if (x > 3) return 1 - lowerTail(x)
  let term = x
  let sum = x
  for (let k = 1; Math.abs(term) > Number.EPSILON * 1e-2 * Math.abs(sum); k++) {
    term *= (x * x) / (2 * k + 1)
    sum += term
  }
  return 0.5 + density(x) * sum
}

/** 1 − Φ(x) for x ≥ 3: φ(x) / (x + 1/(x + 2/(x + 3/(x + …)))), evaluated from the far end. */
function lowerTail(x: number): number {
  if (x === Infinity) return 0
  let tail = x
  for (let k = 120; k >= 1; k--) tail = x + k / tail
  return density(x) / tail
}

/**
 * The x with Φ(x) = p; −∞ at 0 and +∞ at 1. Error below 1e-12 relative to max(1, |x|).
 *
 * Source: first guess Abramowitz & Stegun 26.2.23 (error < 4.5e-4), then Halley steps on Φ.
 * @throws RangeError if p is outside [0, 1] or NaN
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`a probability must lie in [0, 1], got ${p}`)
  // 1 − p is exact for p in [½, 1]; working in the lower tail keeps Φ's relative accuracy.
  if (p > 0.5) return -normalQuantile(1 - p)
  if (p === 0) return -Infinity
  if (p === 0.5) return 0
  const t = Math.sqrt(-2 * Math.log(p))
  const guess =
    (2.515517 + t * (0.802853 + t * 0.010328)) /
    (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
  let x = guess - t
  for (let i = 0; i < 3; i++) {
    const newton = (normalCdf(x) - p) / density(x)
    // φ' = −x φ gives the Halley correction.
    x -= newton / (1 + (x * newton) / 2)
  }
  return x
}

/** z with Φ(z) − Φ(−z) = confidence: 1.96 for 0.95. */
export function twoSidedZ(confidence: number): number {
  return -normalQuantile((1 - confidence) / 2)
}
