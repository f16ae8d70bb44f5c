import type { Check } from '../check.js'

const heads: Readonly<Record<string, string>> = {
  softmax: 'a Softmax',
  sigmoid: 'a Sigmoid',
  'binary-sigmoid': 'a Sigmoid',
}

/**
 * P2. Losses of logits are flat where a confident network's probabilities are. The compiler reads the logits before a last
 * Softmax or Sigmoid; what is a probability even there is an error.
 */
export const probabilities: Check = {
  signal: 'P2',
  needs: ['right'],
  async run(bench) {
    const logits = await bench.cleanLogits()
    const { classes } = bench
    if (areProbabilities(logits, classes))
      return {
        severity: 'error',
        text: `the logits of ${logits.length / classes} samples are probabilities: all within [0, 1], each row's sum 1; name the logits with --output`,
      }
    const head = heads[bench.job.model.prepared.head]
    return head
      ? { severity: 'note', text: `the model ends in ${head}: losses read the logits before it` }
      : null
  },
}

function areProbabilities(values: Float32Array, width: number): boolean {
  const slack = 1e-4
  for (let i = 0; i < values.length; i += width) {
    let sum = 0
    for (let k = i; k < i + width; k++) {
      if (!(values[k]! > -slack && values[k]! < 1 + slack)) return false
      sum += values[k]!
    }
    if (!(Math.abs(sum - 1) < slack)) return false
  }
  return true
}
