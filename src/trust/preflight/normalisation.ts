import type { Check } from '../check.js'
import { betterFeedings } from './retries.js'

/** P5. The network expects mean and std that nobody applies, or has applied them already. */
export const normalisation: Check = {
  signal: 'P5',
  needs: [],
  async run(bench) {
    const found = await betterFeedings(bench)
    const better = found.normalisation
    if (!better || better.accuracy < (found.scale?.accuracy ?? 0)) return null
    const advice = better.title.endsWith('undone')
      ? 'mean and std are applied twice or need not be: leave them out of the configuration'
      : 'set mean and std of the model'
    return { severity: 'error', text: `${better.text}; ${advice}` }
  },
}
