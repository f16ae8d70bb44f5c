import type { Check } from '../check.js'
import { percent } from '../measure.js'

const limit = 0.005

/**
 * E20. The network that gradients are of, rewritten and simplified, against the deployed file. Every success is judged by
 * the file alone; but an attack on another network is one from a surrogate.
 */
export const deployed: Check = {
  signal: 'E20',
  needs: ['determinism'],
  async run(bench) {
    const { samples, predictions } = await bench.clean()
    const attacked = bench.predictions(await bench.cleanLogits())
    const differing = predictions.filter((prediction, i) => prediction !== attacked[i]).length
    if (differing <= Math.max(1, limit * samples.n)) return null
    return {
      severity: 'warning',
      text: `the network that is differentiated and the deployed file disagree on ${differing} of ${samples.n} samples, ${percent(differing / samples.n)} (limit 0.5 %)`,
    }
  },
}
