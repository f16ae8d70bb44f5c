import type { AttackContext, Sample } from '../../../src/plugin.js'
import { Adam } from './adam.js'
import { ConstantSearch } from './constant-search.js'
import { fromTanhSpace, toTanhSpace } from './tanh-space.js'

export interface L2Options {
  readonly steps: number
  readonly stepSize: number
  readonly confidence: number
  readonly firstConstant: number
  readonly runs: number
  readonly abortEarly: boolean
}

interface State {
  readonly search: ConstantSearch
  readonly adam: Adam
  readonly w: Float32Array
}

/**
 * Minimises ‖δ‖₂² + c·max(κ − margin, 0) over w, where x + δ = (tanh w + 1)/2, in units in which the bounds are 1 apart.
 * Source: Carlini & Wagner 2017, arXiv:1608.04644, section VI.A.
 */
export async function attackL2(context: AttackContext, options: L2Options): Promise<void> {
  const { confidence, stepSize, firstConstant, abortEarly, ...rest } = options
  const { bounds } = context.threat
  const states = new Map<number, State>()
  for (const { id, clean, point } of context.samples) {
    const w = new Float32Array(context.sampleSize)
    toTanhSpace(clean, bounds, w)
    const search = new ConstantSearch({
      first: firstConstant,
      patience: abortEarly ? 1 : Infinity,
      ...rest,
    })
    states.set(id, { search, adam: new Adam(w.length), w })
    fromTanhSpace(w, bounds, point)
  }
  const slope = new Float32Array(context.sampleSize)
  const isConfident = (sample: Sample): boolean => sample.loss >= confidence
  while (context.living > 0) {
    await context.gradient({ loss: 'margin', keep: isConfident })
    context.leave((sample) => {
      const { search, adam, w } = states.get(sample.id)!
      const shortfall = Math.max(confidence - sample.loss, 0)
      const square = slopeOf(sample, bounds, search.constant * Number(shortfall > 0), slope)
      const objective = square + search.constant * shortfall
      const next = search.next(sample.isFooled && isConfident(sample), objective, square)
      if (next === 'end') return true
      if (next === 'step') adam.descend(w, slope, stepSize)
      else {
        adam.forget()
        toTanhSpace(sample.clean, bounds, w)
      }
      fromTanhSpace(w, bounds, sample.point)
      return false
    })
  }
}

/** Of ‖δ‖₂² − weight·margin by w. @returns ‖δ‖₂² */
function slopeOf(
  { clean, point, gradient }: Sample,
  [low, high]: readonly [number, number],
  weight: number,
  slope: Float32Array,
): number {
  const width = high - low
  let square = 0
  for (let i = 0; i < slope.length; i++) {
    const d = (point[i]! - clean[i]!) / width
    const u = (point[i]! - low) / width
    square += d * d
    // d u/dw = (1 − tanh²)/2 = 2u(1 − u).
    slope[i] = (2 * d - weight * width * gradient[i]!) * 2 * u * (1 - u)
  }
  return square
}
