import type { Check } from '../check.js'
import { crossEntropy, percent, row, short } from '../measure.js'

const limits = { difference: 1e-3, share: 0.01 }

/** P11. Logits so large that a cross-entropy without care (no greatest logit taken off first) overflows in float32. */
export const logitScale: Check = {
  signal: 'P11',
  needs: ['right'],
  async run(bench) {
    const { samples, right } = await bench.clean()
    const logits = await bench.cleanLogits()
    let [greatest, off] = [0, 0]
    for (const i of right) {
      const z = row(logits, i, bench.classes)
      const label = samples.labels[i]!
      greatest = Math.max(greatest, ...z.map(Math.abs))
      const difference = Math.abs(careless(z, label) - crossEntropy(z, label))
      if (!(difference <= limits.difference)) off++
    }
    if (off <= limits.share * right.length) return null
    return {
      severity: 'warning',
      text: `logits reach ${short(greatest)}: a float32 cross-entropy without their greatest taken off is wrong by more than 1e-3 for ${percent(off / right.length)} of ${right.length} samples; figures of other tools may be theirs`,
    }
  },
}

/** log Σ exp z − z_label as float32 computes it. */
function careless(z: Float32Array, label: number): number {
  let sum = 0
  for (const value of z) sum = Math.fround(sum + Math.fround(Math.exp(value)))
  return Math.fround(Math.fround(Math.log(sum)) - z[label]!)
}
