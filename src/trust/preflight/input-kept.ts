import type { Check } from '../check.js'

/** Samples that a pass is watched on. */
const watched = 16

/**
 * P13. What is fed must come out of a pass as it went in, or every later point starts elsewhere; and a gradient must have
 * the shape of the sample.
 * Source: Two Six Technologies, Armory, its test of models.
 */
export const inputKept: Check = {
  signal: 'P13',
  needs: ['gradient'],
  async run(bench) {
    const { x, n, labels } = bench.first(watched)
    const before = x.slice()
    await bench.scores(x, n)
    const byPass = changed(x, before)
    x.set(before)
    const { gradient } = await bench.gradients('margin', x, labels)
    const byGradient = changed(x, before)
    if (gradient.length !== x.length)
      return {
        severity: 'error',
        text: `a gradient has ${gradient.length / n} values, a sample ${x.length / n}`,
      }
    if (byPass + byGradient === 0) return null
    return {
      severity: 'error',
      text: `of ${x.length} values fed, ${byPass} were changed by a pass and ${byGradient} by a gradient`,
    }
  },
}

function changed(x: Float32Array, before: Float32Array): number {
  return x.reduce((count, value, i) => (Object.is(value, before[i]) ? count : count + 1), 0)
}
