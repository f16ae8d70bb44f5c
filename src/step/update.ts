import type { GraphBuilder } from '../graph/builder.js'
import type { Value } from '../graph/ir.js'
import type { FusedNorm } from '../threat/threat-model.js'
import { reduceRows } from './row-sum.js'

/** What an update reads and makes: everything in float32, samples of shape (N, ...sample). */
export interface UpdateInputs {
  readonly g: GraphBuilder
  readonly xAdv: string
  readonly sampleShape: readonly number[]
  readonly bounds: readonly [number, number]
  readonly batch: number | string
  /** Whether the step size of L∞ is one of each value, (1, ...sample). Default: a scalar for all. */
  readonly perValue?: boolean | undefined
}

export interface Update {
  /** The factor on the gradient that suits the update, where the network's types can carry it. */
  readonly gradientScale: number
  /** Inputs of the step graph besides xAdv, labels and targets. */
  inputs(inputs: UpdateInputs): Value[]
  /**
   * @param direction - (N, ...sample); only its direction counts
   * @param scale - what the direction was multiplied by: 1 or `gradientScale`
   * @returns the step of size `step_size` that ascends fastest in the norm, (N, ...sample)
   */
  ascend(inputs: UpdateInputs, direction: string, scale: number): string
  /** @returns `moved` (N, ...sample) put back into the ball and the bounds */
  project(inputs: UpdateInputs, moved: string): string
}

/** One normalised ascent step and its projection, per norm. */
export const updates: Readonly<Record<FusedNorm, Update>> = {
  /**
   * x ← min(max(x + α·sign ∇, lower), upper). The ball and the box are both boxes; the caller passes their
   * intersection (`lower`, `upper`), which is computed once per sample instead of in each step.
   *
   * ONNX Runtime's Sign takes five times as long as its Clip, and α·sign ∇ = clip(c·∇, −α, α) for a c so large that
   * no gradient falls in between. c = 2⁸⁰ is a factor on the seed of the backward pass, which is linear and
   * rounds the same at every power of two: nothing is spent on it. A gradient of at least α·8·10⁻²⁵ of the
   * largest logit's moves the full α, and up to 3·10¹⁴ of it nothing overflows.
   * Source: Madry et al. 2018, arXiv:1706.06083, eq. (2) ff.
   */
  linf: {
    gradientScale: 2 ** 80,
    inputs: (inputs) => [
      samples(inputs, 'lower'),
      samples(inputs, 'upper'),
      inputs.perValue
        ? { name: 'step_size', dtype: 'float32', dims: [1, ...inputs.sampleShape] }
        : scalarInput('step_size'),
    ],
    ascend({ g, perValue }, direction, scale) {
      // Clip knows scalars only.
      if (scale > 1 && perValue) {
        const least = g.emit('Neg', ['step_size'])
        return g.emit('Min', [g.emit('Max', [direction, least]), 'step_size'])
      }
      if (scale > 1) return g.emit('Clip', [direction, g.emit('Neg', ['step_size']), 'step_size'])
      return g.emit('Mul', [g.emit('Sign', [direction]), 'step_size'])
    },
    project: ({ g }, moved) => g.emit('Min', [g.emit('Max', [moved, 'lower']), 'upper']),
  },
  /**
   * x ← x + α·∇/‖∇‖₂, then δ scaled back onto the ball, then clipped: clipping only shortens δ. ∇ is divided by its
   * greatest entry first, because the squares of entries under 10⁻²³ or over 10¹⁹ leave float32.
   */
  l2: {
    gradientScale: 1,
    inputs: (inputs) => [samples(inputs, 'x'), scalarInput('step_size'), scalarInput('epsilon')],
    ascend(inputs, direction) {
      const { g } = inputs
      const unit = g.emit('Div', [
        direction,
        g.emit('Max', [greatest(inputs, direction), g.scalar(1e-37)]),
      ])
      // At least 1 unless there is no gradient.
      const length = g.emit('Max', [norm(inputs, 'ReduceL2', unit), g.scalar(1e-3)])
      return g.emit('Mul', [unit, g.emit('Div', ['step_size', length])])
    },
    project(inputs, moved) {
      const { g } = inputs
      const delta = g.emit('Sub', [moved, 'x'])
      const reach = g.emit('Max', [norm(inputs, 'ReduceL2', delta), g.scalar(1e-30)])
      const scale = g.emit('Min', [g.emit('Div', ['epsilon', reach]), g.scalar(1)])
      return clip(inputs, g.emit('Add', ['x', g.emit('Mul', [delta, scale])]))
    },
  },
  /**
   * Steepest ascent in L1 moves few coordinates: those of the top 1 % of |∇| that the box lets move, each by an
   * equal share of α (SLIDE, Tramèr & Boneh 2019, arXiv:1904.13000, section 4.2). Then the projection
   * onto the L1 ball.
   */
  l1: {
    gradientScale: 1,
    inputs: (inputs) => [samples(inputs, 'x'), scalarInput('step_size'), scalarInput('epsilon')],
    ascend(inputs, direction) {
      const { g, xAdv, sampleShape, bounds } = inputs
      const features = sampleShape.reduce((a, b) => a * b, 1)
      const sign = g.emit('Sign', [direction])
      // A coordinate at the border that would move outward is spent already.
      const probe = g.emit('Add', [
        xAdv,
        g.emit('Mul', [sign, g.scalar(1e-6 * (bounds[1] - bounds[0]))]),
      ])
      const inside = g.emit('And', [
        g.emit('GreaterOrEqual', [probe, g.scalar(bounds[0])]),
        g.emit('LessOrEqual', [probe, g.scalar(bounds[1])]),
      ])
      const size = g.emit('Mul', [g.emit('Abs', [direction]), asFloat(g, inside)])
      const flat = g.emit('Reshape', [size, g.ints([-1, features])])
      const count = Math.max(1, Math.ceil(features / 100))
      const top = g.emitMany('TopK', [flat, g.ints([count])], 2, { axis: 1, sorted: 1 })[0]!
      const least = g.emit('Slice', [top, g.ints([count - 1]), g.ints([count]), g.ints([1])])
      const cut = g.emit('Reshape', [least, g.ints([-1, ...sampleShape.map(() => 1)])])
      const chosen = g.emit('Mul', [
        asFloat(g, g.emit('GreaterOrEqual', [size, g.emit('Max', [cut, g.scalar(1e-37)])])),
        sign,
      ])
      const share = g.emit('Max', [norm(inputs, 'ReduceL1', chosen), g.scalar(1)])
      return g.emit('Div', [g.emit('Mul', [chosen, 'step_size']), share])
    },
    project(inputs, moved) {
      const { g } = inputs
      const delta = g.emit('Sub', [moved, 'x'])
      return clip(inputs, g.emit('Add', ['x', projectL1(inputs, delta)]))
    },
  },
}

/**
 * Projection of δ (N, ...sample) onto the L1 ball: soft thresholding at θ with Σ max(|δ| − θ, 0) = ε. θ grows to its
 * exact value by Michelot's iteration θ ← (Σ_{|δ|>θ} |δ| − ε) / #{|δ| > θ}, unrolled; what the last round leaves
 * over is scaled away, so the result is always inside.
 * Source: Michelot 1986; Condat 2016, "Fast projection onto the simplex and the l1 ball", algorithm 3.
 */
function projectL1(inputs: UpdateInputs, delta: string): string {
  const { g } = inputs
  const rounds = 12
  const size = g.emit('Abs', [delta])
  const total = norm(inputs, 'ReduceSum', size)
  const features = inputs.sampleShape.reduce((a, b) => a * b, 1)
  const relu = (value: string): string => g.emit('Relu', [value])
  let theta = relu(g.emit('Div', [g.emit('Sub', [total, 'epsilon']), g.scalar(features)]))
  for (let round = 0; round < rounds; round++) {
    const above = asFloat(g, g.emit('Greater', [size, theta]))
    const sum = norm(inputs, 'ReduceSum', g.emit('Mul', [size, above]))
    const count = g.emit('Max', [norm(inputs, 'ReduceSum', above), g.scalar(1)])
    theta = relu(g.emit('Div', [g.emit('Sub', [sum, 'epsilon']), count]))
  }
  const shrunk = g.emit('Mul', [g.emit('Sign', [delta]), relu(g.emit('Sub', [size, theta]))])
  const rest = g.emit('Max', [norm(inputs, 'ReduceL1', shrunk), g.scalar(1e-30)])
  const scale = g.emit('Min', [g.emit('Div', ['epsilon', rest]), g.scalar(1)])
  return g.emit('Mul', [shrunk, scale])
}

/** A norm or sum over everything but the batch: (N, 1, ...). */
export function norm(
  { g, sampleShape }: UpdateInputs,
  op: 'ReduceL2' | 'ReduceL1' | 'ReduceSum',
  value: string,
): string {
  const width = sampleShape.reduce((a, b) => a * b, 1)
  return reduceRows(g, op, value, { width, rank: sampleShape.length + 1 })
}

/** The greatest absolute value of each sample: (N, 1, ...). */
function greatest({ g, sampleShape }: UpdateInputs, value: string): string {
  const axes = g.ints(sampleShape.map((_, axis) => axis + 1))
  return g.emit('ReduceMax', [g.emit('Abs', [value]), axes], { keepdims: 1 })
}

function clip({ g, bounds }: UpdateInputs, value: string): string {
  return g.emit('Clip', [value, g.scalar(bounds[0]), g.scalar(bounds[1])])
}

const asFloat = (g: GraphBuilder, mask: string): string => g.emit('Cast', [mask], { to: 1 })

export const samples = ({ batch, sampleShape }: UpdateInputs, name: string): Value => ({
  name,
  dtype: 'float32',
  dims: [batch, ...sampleShape],
})

const scalarInput = (name: string): Value => ({ name, dtype: 'float32', dims: [] })
