/** Probabilities of row `row` of logits (N, classes). */
export function softmax(logits: Float32Array, row: number, classes: number): Float64Array {
  const own = Float64Array.from(logits.subarray(row * classes, (row + 1) * classes))
  const most = own.reduce((a, b) => Math.max(a, b), -Infinity)
  const exps = own.map((logit) => Math.exp(logit - most))
  const sum = exps.reduce((a, b) => a + b, 0)
  return exps.map((value) => value / sum)
}
