import type { PoisonExample } from '../plan/trial.js'
import type { LabelledSamples } from '../poison/types.js'

/** Pictures kept of a trial, and how many values one may have: a store is no place for more. */
const [most, largest] = [4, 3 * 256 * 256]

/** Some poisoned samples beside what they were, as 8-bit levels of the range; none of tables. */
export function examplesOf(
  clean: LabelledSamples,
  poisoned: LabelledSamples,
  poisons: readonly number[],
): PoisonExample[] {
  const { shape } = clean
  const size = shape.reduce((product, side) => product * side, 1)
  if (shape.length < 2 || size > largest) return []
  return poisons.slice(0, most).map((index) => ({
    index,
    shape,
    label: clean.labels[index]!,
    poisonedLabel: poisoned.labels[index]!,
    clean: levelsOf(clean, index, size),
    poisoned: levelsOf(poisoned, index, size),
  }))
}

function levelsOf({ x, range: [low, high] }: LabelledSamples, index: number, size: number): string {
  const values = x.subarray(index * size, (index + 1) * size)
  const levels = Uint8ClampedArray.from(values, (value) => ((value - low) / (high - low)) * 255)
  return Buffer.from(levels).toString('base64')
}
