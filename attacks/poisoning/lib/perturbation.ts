import type { LabelledSamples } from '../../../src/plugin.js'
import { extents, gather, isTable, sampleSize, widthOf } from './samples.js'

/**
 * How far each value of a sample may go, (sample): `epsilon` of the range; of a table `epsilon` of what the feature
 * spans in the data, which is never more.
 */
export function reachOf(samples: LabelledSamples, epsilon: number): Float32Array {
  const width = widthOf(samples)
  if (!isTable(samples)) return new Float32Array(sampleSize(samples)).fill(epsilon * width)
  const { low, high } = extents(samples)
  return high.map((value, i) => epsilon * Math.min(width, value - low[i]!))
}

export interface Perturbed {
  /** (N, ...shape): the samples as they are now. */
  readonly x: Float32Array
  /**
   * One step of Adam on the signs of the gradient, down, as far as each value may go.
   * @param share - step as a share of what a value may go at most
   */
  descend(gradient: Float32Array, share: number): void
}

const [decay1, decay2] = [0.9, 0.999]

/**
 * Some training samples with a perturbation under construction.
 * Source of the step: Geiping et al. 2021, arXiv:2009.02276, section 3.3, signed Adam.
 * @param reach - greatest change of each value, (sample)
 * @param start - (N, ...shape) initial changes; default none
 */
export function perturbation(
  samples: LabelledSamples,
  indices: readonly number[],
  reach: Float32Array,
  start?: Float32Array,
): Perturbed {
  const clean = gather(samples, indices)
  const [low, high] = samples.range
  const size = reach.length
  const x = clean.slice()
  const [first, second] = [new Float32Array(x.length), new Float32Array(x.length)]
  let steps = 0
  const place = (i: number, value: number): void => {
    const most = reach[i % size]!
    const kept = Math.min(Math.max(value, clean[i]! - most), clean[i]! + most)
    x[i] = Math.min(Math.max(kept, low), high)
  }
  start?.forEach((change, i) => place(i, clean[i]! + change))
  return {
    x,
    descend(gradient, share) {
      steps++
      const [unbias1, unbias2] = [1 - decay1 ** steps, 1 - decay2 ** steps]
      for (let i = 0; i < x.length; i++) {
        const sign = Math.sign(gradient[i]!)
        first[i] = decay1 * first[i]! + (1 - decay1) * sign
        second[i] = decay2 * second[i]! + (1 - decay2) * sign * sign
        const step = first[i]! / unbias1 / (Math.sqrt(second[i]! / unbias2) + 1e-8)
        place(i, x[i]! - share * reach[i % size]! * step)
      }
    },
  }
}

/** The step of a paper that divides it by ten after 3/8, 5/8 and 7/8 of the steps. */
export const decayed = (step: number, steps: number, share: number): number =>
  share * 0.1 ** [3, 5, 7].filter((eighth) => 8 * step >= eighth * steps).length
