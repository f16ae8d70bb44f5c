import type { Check } from '../check.js'
import { percent } from '../measure.js'
import { gainLimit } from './retries.js'

/** Fewest samples with which chance can be told from a poor network. */
const least = 30
/** Samples that one class needs for a permutation to be fitted. */
const perClass = 8

/** P6. A network that guesses, or that numbers its classes otherwise than the labels do. */
export const labelMapping: Check = {
  signal: 'P6',
  needs: [],
  async run(bench) {
    const { samples, predictions, accuracy } = await bench.clean()
    const { n, labels } = samples
    const { classes } = bench
    if (n < least) return null
    const better = [...offsets(classes), ...fitted(predictions, labels, classes)]
      .map(({ title, from, map }) => {
        const right = labels
          .subarray(from)
          .filter((label, i) => map(predictions[from + i]!) === label)
        return { title, accuracy: right.length / (n - from) }
      })
      .toSorted((a, b) => b.accuracy - a.accuracy)[0]
    if (better && better.accuracy >= accuracy + gainLimit(n))
      return {
        severity: 'error',
        text: `clean accuracy ${percent(accuracy)} of ${n} samples, ${percent(better.accuracy)} with ${better.title}`,
      }
    const chance = 1 / classes
    if (accuracy > chance + 3 * Math.sqrt((chance * (1 - chance)) / n)) return null
    return {
      severity: 'error',
      text: `clean accuracy ${percent(accuracy)} of ${n} samples is no better than chance, ${percent(chance)} of ${classes} classes`,
    }
  },
}

interface Mapping {
  readonly title: string
  /** First of the samples that it is judged on. */
  readonly from: number
  readonly map: (prediction: number) => number
}

const offsets = (classes: number): Mapping[] =>
  [1, -1].map((by) => ({
    title: `labels ${by > 0 ? 'one higher' : 'one lower'} than the network's classes`,
    from: 0,
    map: (prediction) => (prediction + by + classes) % classes,
  }))

/** The permutation that fits half of the samples best, greedily; it is judged on the other half. */
function fitted(predictions: Int32Array, labels: Int32Array, classes: number): Mapping[] {
  const half = labels.length >> 1
  if (half < perClass * classes) return []
  const counts = new Int32Array(classes * classes)
  for (let i = 0; i < half; i++) {
    const label = labels[i]!
    if (label >= 0 && label < classes) counts[predictions[i]! * classes + label]!++
  }
  const order = Array.from(counts.keys()).toSorted((a, b) => counts[b]! - counts[a]!)
  const [of, taken] = [new Int32Array(classes).fill(-1), new Set<number>()]
  for (const cell of order) {
    const [prediction, label] = [Math.floor(cell / classes), cell % classes]
    if (of[prediction] !== -1 || taken.has(label)) continue
    of[prediction] = label
    taken.add(label)
  }
  const moved = of.reduce((count, label, prediction) => count + (label === prediction ? 0 : 1), 0)
  if (moved === 0) return []
  return [{ title: `another order of ${moved} classes`, from: half, map: (one) => of[one]! }]
}
