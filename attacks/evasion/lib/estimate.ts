import type { Rng, Sample } from '../../../src/plugin.js'
import { objectiveOf, type ObjectiveName } from './objective.js'

export interface Estimate {
  /** Directions, each tried both ways: two queries. */
  readonly pairs: number
  /** How far it looks, in the data's units. */
  readonly reach: number
  readonly objective: ObjectiveName
  /** Writes a random direction. */
  readonly draw: (rng: Rng, out: Float32Array) => void
}

/**
 * Σ (f(x + r·u) − f(x − r·u)) · u / (2·r·pairs) into `gradient`, where x is the point it begins and ends at. At the edge of
 * the ball a value is looked at from one side only: that halves its part, and leaves its sign.
 */
export function* estimate(
  sample: Sample,
  { pairs, reach, objective, draw }: Estimate,
  gradient: Float64Array,
): Generator<undefined, void, undefined> {
  const base = sample.point.slice()
  const direction = new Float32Array(base.length)
  gradient.fill(0)
  for (let pair = 0; pair < pairs; pair++) {
    draw(sample.rng, direction)
    let difference = 0
    for (const sign of [1, -1]) {
      const { point } = sample
      for (let i = 0; i < base.length; i++) point[i] = base[i]! + sign * reach * direction[i]!
      yield
      difference += sign * objectiveOf(objective, sample)
    }
    const weight = difference / (2 * reach * pairs)
    // Scores that are not finite say nothing.
    if (Number.isFinite(weight))
      for (let i = 0; i < base.length; i++) gradient[i]! += weight * direction[i]!
  }
  sample.point.set(base)
}
