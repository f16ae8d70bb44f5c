import { inward, run, take, type Interval } from './memory.js'
import { boxNumbers, boxSamples, type Box } from './moves.js'

/** What `stepAlong` projects onto in the module: the sphere or the ball of L2, or the ball of L∞. */
const dense = { sphere: 0, l2: 1, linf: 2 } as const

const everywhere: Interval = [-Infinity, Infinity]

/** What a step along the gradient ends on. */
export interface Onto {
  /** Before the projection. */
  readonly size: number
  /** The sphere of L2, or the ball of a norm. */
  readonly onto: 'sphere' | 'l2' | 'linf' | 'l1' | 'l0'
  /** In L0 how many values may differ. */
  readonly radius: number
  /** Of the values, where P knows them: in L0. */
  readonly bounds?: Interval
}

/**
 * point ← clean + P(point − clean + size·∇/‖∇‖₂), in place. P knows the bounds in L0 alone, where they decide which values
 * are worth a change; in the others they are the host's.
 * Source of P: L1 as `projectL1`; L0: Croce & Hein 2019, arXiv:1909.05040,
 * section 3.2: keeping value i, clipped to c, rather than 0 brings the point nearer by δ² − (δ − c)².
 */
export function stepAlong(
  point: Float32Array,
  clean: Float32Array,
  gradient: Float32Array,
  { size, onto, radius, bounds = everywhere }: Onto,
): void {
  const samples = [point, clean, gradient]
  if (onto === 'l1' || onto === 'l0') {
    const isL0 = onto === 'l0'
    const interval = isL0 ? inward(bounds) : everywhere
    const most = Math.min(radius, isL0 ? point.length : Infinity)
    run('stepSparse', samples, [size, Number(isL0), most, ...interval], { rooms: 2 })
  } else run('stepAlong', samples, [size, dense[onto], radius], { rooms: 1 })
  take(0, point)
}

/**
 * One step of NI-FGSM: g ← μ·g + n·∇/‖∇‖₁, at ← P(at + η·scale·sign g), point ← P(at + η·μ·scale·g), P being the box.
 * Source: Lin et al. 2020, arXiv:1908.06281, eqs. 6 to 8.
 */
export function stepAhead(
  point: Float32Array,
  gradient: Float32Array,
  { at, momentum }: Readonly<Record<'at' | 'momentum', Float32Array>>,
  { stepSize, decay, ...box }: Readonly<Record<'stepSize' | 'decay', number>> & Box,
): void {
  const size = run('lengthL1', [gradient])
  const pace = size > 0 ? gradient.length / size : 0
  const numbers = [stepSize, decay, pace, ...boxNumbers(box)]
  run('stepAhead', [at, momentum, gradient, ...boxSamples(box)], numbers, { rooms: 1 })
  take(0, at)
  take(1, momentum)
  take(5, point)
}

/**
 * One step of Adam, in place: decays of 0.9 and 0.999, 10⁻⁸ below the line.
 * @param size, correction - the step size over 1 − 0.9ᵗ, and 1/√(1 − 0.999ᵗ)
 * Source: Kingma & Ba 2015, arXiv:1412.6980, algorithm 1.
 */
export function adam(
  values: Float32Array,
  gradient: Float32Array,
  { mean, variance }: Readonly<Record<'mean' | 'variance', Float32Array>>,
  { size, correction }: Readonly<Record<'size' | 'correction', number>>,
): void {
  run('adam', [values, mean, variance, gradient], [size, correction])
  take(0, values)
  take(1, mean)
  take(2, variance)
}

/** point ← low + (tanh w + 1)/2 · (high − low). */
export function fromTanh(w: Float32Array, point: Float32Array, [low, high]: Interval): void {
  run('fromTanh', [w], [low, (high - low) / 2], { rooms: 1 })
  take(1, point)
}

/**
 * slope ← (2d − pull·∇)·2u(1 − u), d = (point − clean)/width, u = (point − low)/width: by w, where u = (tanh w + 1)/2.
 * @returns Σ d²
 */
export function tanhSlope(
  { clean, point, gradient }: Readonly<Record<'clean' | 'point' | 'gradient', Float32Array>>,
  slope: Float32Array,
  [low, high]: Interval,
  pull: number,
): number {
  const square = run('tanhSlope', [clean, point, gradient], [low, high - low, pull], { rooms: 1 })
  take(3, slope)
  return square
}

/**
 * With d = y − clean: x ← clip(clean + S(d − step·(2d − pull·∇))), S shrinking towards 0 by theta, and
 * y ← x + momentum·(x − x before). In place.
 * Source: Chen et al. 2018, arXiv:1709.04114, eqs. 4 to 6, with the momentum of FISTA.
 */
export function shrinkStep(
  y: Float32Array,
  x: Float32Array,
  { clean, gradient }: Readonly<Record<'clean' | 'gradient', Float32Array>>,
  numbers: Readonly<Record<'step' | 'pull' | 'theta' | 'momentum', number>>,
  bounds: Interval,
): void {
  const { step, pull, theta, momentum } = numbers
  const rest = [step, pull, theta, momentum, ...inward(bounds)]
  run('shrinkStep', [y, x, clean, gradient], rest)
  take(0, y)
  take(1, x)
}
