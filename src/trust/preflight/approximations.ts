import type { Check } from '../check.js'
import { reachedFrom } from './reach.js'

/** Operators that pass no derivative on, and whose answer a loss would feel. Comparisons are left out: a ReLU has one. */
const flat = new Set(['ArgMax', 'ArgMin', 'NonMaxSuppression', 'NonZero', 'Multinomial'])

/** P8. Operators between input and logits without a derivative: a surrogate stands in, or nothing flows. */
export const approximations: Check = {
  signal: 'P8',
  needs: [],
  async run(bench) {
    const refusal = await bench.refusal()
    if (refusal !== null)
      return {
        severity: 'warning',
        text: `no attack that needs a gradient can run: ${refusal}`,
      }
    const { graph, input } = bench.job.model.prepared
    const parts = [
      ...(await bench.approximations()),
      ...reachedFrom(graph, [input])
        .filter(({ op }) => flat.has(op))
        .map(({ op, name }) => `nothing flows through ${name || op} (${op})`),
    ]
    if (parts.length === 0) return null
    const rest = parts.length > 4 ? ` and ${parts.length - 4} more` : ''
    return {
      severity: 'warning',
      text: `the gradient is an approximation: ${parts.slice(0, 4).join('; ')}${rest}; add an attack without gradients`,
    }
  },
}
