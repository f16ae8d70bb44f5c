import { kernels, type AttackContext, type Sample } from '../../../src/plugin.js'
import { Adam } from './adam.js'
import { toTanhSpace } from './tanh-space.js'

export interface LinfOptions {
  readonly steps: number
  readonly stepSize: number
  readonly confidence: number
  readonly firstConstant: number
  readonly largestConstant: number
  readonly tauFactor: number
  readonly leastTau: number
}

interface State {
  readonly adam: Adam
  /** Where the run is, and where runs begin: the last example within τ. */
  readonly w: Float32Array
  readonly start: Float32Array
  constant: number
  tau: number
  step: number
}

/**
 * Minimises c·max(κ − margin, 0) + Σ max(|δ| − τ, 0). When that is as good as 0, τ shrinks below what has been found; when
 * it is not within the steps of a run, c is doubled, up to the largest. Each run begins at the last example.
 * Source: Carlini & Wagner 2017, arXiv:1608.04644, section VI.C; the threshold 10⁻⁴·c is that of the authors' program.
 */
export async function attackLinf(context: AttackContext, options: LinfOptions): Promise<void> {
  const { bounds } = context.threat
  const states = new Map<number, State>()
  for (const { id, clean, point } of context.samples) {
    const w = new Float32Array(context.sampleSize)
    toTanhSpace(clean, bounds, w)
    const run = { constant: options.firstConstant, tau: 1, step: 0 }
    states.set(id, { adam: new Adam(w.length), w, start: w.slice(), ...run })
    kernels.fromTanh(w, point, bounds)
  }
  const slope = new Float32Array(context.sampleSize)
  while (context.living > 0) {
    await context.gradient({
      loss: 'margin',
      keep: ({ loss }) => loss >= options.confidence,
    })
    context.leave((sample) => {
      const state = states.get(sample.id)!
      if (isOver(sample, state, { ...options, bounds, slope })) return true
      kernels.fromTanh(state.w, sample.point, bounds)
      return false
    })
  }
}

interface Room extends LinfOptions {
  readonly bounds: readonly [number, number]
  readonly slope: Float32Array
}

/** Moves w on. @returns whether no smaller τ, or no greater constant, is left to try */
function isOver(sample: Sample, state: State, options: Room): boolean {
  const { adam, w, start } = state
  const shortfall = Math.max(options.confidence - sample.loss, 0)
  const { excess, most } = slopeOf(sample, state, shortfall > 0, options)
  if (sample.isFooled && state.constant * shortfall + excess < 1e-4 * state.constant) {
    state.tau = Math.min(state.tau, most) * options.tauFactor
    if (state.tau < options.leastTau) return true
    start.set(w)
  } else if (++state.step < options.steps) {
    adam.descend(w, options.slope, options.stepSize)
    return false
  } else {
    state.constant *= 2
    if (state.constant > options.largestConstant) return true
    w.set(start)
  }
  state.step = 0
  adam.forget()
  return false
}

/** Of the objective by w. @returns Σ max(|δ| − τ, 0) and max |δ| */
function slopeOf(
  { clean, point, gradient }: Sample,
  { tau, constant }: State,
  isShort: boolean,
  { bounds: [low, high], slope }: Room,
): { readonly excess: number; readonly most: number } {
  const width = high - low
  const weight = isShort ? constant * width : 0
  let [excess, most] = [0, 0]
  for (let i = 0; i < slope.length; i++) {
    const d = (point[i]! - clean[i]!) / width
    const u = (point[i]! - low) / width
    const size = Math.abs(d)
    if (size > most) most = size
    if (size > tau) excess += size - tau
    const push = size > tau ? Math.sign(d) : 0
    slope[i] = (push - weight * gradient[i]!) * 2 * u * (1 - u)
  }
  return { excess, most }
}
