/** Measures once, when it is first asked. */
export function memo<T>(measure: () => T): () => T {
  let kept: { readonly value: T } | undefined
  return () => (kept ??= { value: measure() }).value
}

export const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`

/** Three digits: `1.23e-7`, `0.0123`. */
export const short = (value: number): string =>
  value !== 0 && Math.abs(value) < 1e-3
    ? value.toExponential(2)
    : String(Number(value.toPrecision(3)))

export const row = (values: Float32Array, i: number, width: number): Float32Array =>
  values.subarray(i * width, (i + 1) * width)

export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** Euclidean. */
export const norm = (a: Float32Array): number => Math.sqrt(dot(a, a))

/** Greatest distance between rows of unit length: what is the same up to a factor is no difference. */
export function greatestDistance(a: Float32Array, b: Float32Array, width: number): number {
  let greatest = 0
  for (let i = 0; i < a.length / width; i++) {
    const [p, q] = [row(a, i, width), row(b, i, width)]
    const [lp, lq] = [norm(p) || 1, norm(q) || 1]
    let sum = 0
    for (let k = 0; k < width; k++) sum += (p[k]! / lp - q[k]! / lq) ** 2
    // Of scores that are not numbers nothing can be said.
    if (sum > greatest) greatest = sum
  }
  return Math.sqrt(greatest)
}

/** Greatest logit of the other classes, and whose it is. */
export function rivalOf(logits: Float32Array, label: number): number {
  let best = label === 0 ? 1 : 0
  for (let k = 0; k < logits.length; k++) if (k !== label && logits[k]! > logits[best]!) best = k
  return best
}

/** How far the true class leads, in float64. */
export function lead(logits: Float32Array, label: number): number {
  return logits[label]! - logits[rivalOf(logits, label)]!
}

/** −log of the true class' probability, in float64. */
export function crossEntropy(logits: Float32Array, label: number): number {
  const most = Math.max(...logits)
  let others = 0
  for (let k = 0; k < logits.length; k++) if (k !== label) others += Math.exp(logits[k]! - most)
  const own = Math.exp(logits[label]! - most)
  return own > 0.5 ? Math.log1p(others / own) : Math.log(own + others) + most - logits[label]!
}
