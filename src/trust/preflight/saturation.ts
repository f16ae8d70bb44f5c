import type { Check } from '../check.js'
import { crossEntropy, percent, row } from '../measure.js'

const limits = { loss: 1e-6, share: 0.5 }

/**
 * P10. A cross-entropy that has run out of digits. Attacks here scale its gradient and lose nothing; other tools, and
 * step sizes that follow the loss, do.
 */
export const saturation: Check = {
  signal: 'P10',
  needs: ['right'],
  async run(bench) {
    const { samples, right } = await bench.clean()
    const logits = await bench.cleanLogits()
    const flat = right.filter(
      (i) => crossEntropy(row(logits, i, bench.classes), samples.labels[i]!) < limits.loss,
    ).length
    if (flat <= limits.share * right.length) return null
    return {
      severity: 'warning',
      text: `the cross-entropy of ${percent(flat / right.length)} of ${right.length} clean samples is below 1e-6 (limit 50 %): attack with the margin or dlr loss as well`,
    }
  },
}
