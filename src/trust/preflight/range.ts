import type { Check, Raised } from '../check.js'
import { percent, short } from '../measure.js'
import { betterFeedings } from './retries.js'

/** Data that fill less of the declared range than this make any epsilon in its units a huge one. */
const leastFilled = 0.02

/** What readers of data let pass, too. */
const rounding = 1e-6

/** P4. Data, declared range and network disagree about the scale of a value. */
export const inputRange: Check = {
  signal: 'P4',
  needs: [],
  async run(bench) {
    const [low, high] = bench.bounds
    const [least, most] = bench.dataRange()
    const declared = `declared range ${short(low)} to ${short(high)}`
    const data = `data from ${short(least)} to ${short(most)}`
    const slack = rounding * (high - low)
    const found: Raised[] = []
    const outside = bench.job.x.reduce(
      (count, value) => count + (value < low - slack || value > high + slack ? 1 : 0),
      0,
    )
    if (outside > 0) {
      const share = percent(outside / bench.job.x.length, 2)
      found.push({
        severity: 'error',
        text: `${data}, ${share} of the values outside the ${declared}`,
      })
    } else if (most - least < leastFilled * (high - low))
      found.push({ severity: 'error', text: `${data} fill next to nothing of the ${declared}` })
    const { scale, normalisation } = await betterFeedings(bench)
    if (scale && scale.accuracy >= (normalisation?.accuracy ?? 0))
      found.push({ severity: 'error', text: scale.text })
    return found
  },
}
