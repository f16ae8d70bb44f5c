import { kernels, type AttackContext, type Sample } from '../../../src/plugin.js'
import { Adam } from './adam.js'
import { ConstantSearch } from './constant-search.js'
import { toTanhSpace } from './tanh-space.js'

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
    kernels.fromTanh(w, point, bounds)
  }
  const slope = new Float32Array(context.sampleSize)
  const isConfident = (sample: Sample): boolean => sample.loss >= confidence
  while (context.living > 0) {
    await context.gradient({ loss: 'margin', keep: isConfident })
    context.leave((sample) => {
      const { search, adam, w } = states.get(sample.id)!
      const shortfall = Math.max(confidence - sample.loss, 0)
      const pull = shortfall > 0 ? search.constant * (bounds[1] - bounds[0]) : 0
      // Of ‖δ‖₂² − c·margin by w.
      const square = kernels.tanhSlope(sample, slope, bounds, pull)
      const objective = square + search.constant * shortfall
      const next = search.next(sample.isFooled && isConfident(sample), objective, square)
      if (next === 'end') return true
      if (next === 'step') adam.descend(w, slope, stepSize)
      else {
        adam.forget()
        toTanhSpace(sample.clean, bounds, w)
      }
      kernels.fromTanh(w, sample.point, bounds)
      return false
    })
  }
}
