import type { Check } from '../check.js'
import { percent, short } from '../measure.js'

/**
 * P1. Several passes over the same samples.
 * Source: Croce & Hein 2020, AutoAttack's check for randomised defences.
 */
export const stochastic: Check = {
  signal: 'P1',
  needs: [],
  async run(bench) {
    const { isRandom, apart, accuracies, passes, samples } = await bench.randomness()
    if (!isRandom) return null
    const range = [Math.min(...accuracies), Math.max(...accuracies)].map((one) => percent(one))
    return {
      severity: 'error',
      text: `${passes} passes over ${samples} samples differ: unit score vectors by up to ${short(apart)} (limit 1e-4), accuracy ${range.join(' to ')}; a random model is attacked with --eot`,
    }
  },
}
