import type { AttrInput } from '../graph/builder.js'
import type { Value } from '../graph/ir.js'
import { norm, samples, type Update, type UpdateInputs } from './update.js'

/** What the update rule of an attack gets: values by name, and the pieces that the norm decides. */
export interface UpdateBuilder {
  /** Adds a standard ONNX operator (opset 18). @returns its output */
  emit(op: string, inputs: readonly string[], attrs?: Readonly<Record<string, AttrInput>>): string
  scalar(value: number): string
  /** The current points (N, ...sample). */
  readonly xAdv: string
  /** The gradient there (N, ...sample), times a positive factor of the sample's own. */
  readonly gradient: string
  /** The step size: a scalar, or (1, ...sample) where values have scales of their own. */
  readonly stepSize: string
  /** The rule's own state by name: (N, ...sample), or (N, 1, ...) of a number. */
  readonly state: Readonly<Record<string, string>>
  /** ‖value‖₁ of each sample: (N, 1, ...). */
  norm1(value: string): string
  /** The step of the step size along a direction, the steepest in the threat model's norm. */
  ascend(direction: string): string
  /** Back into the ball and the bounds. */
  project(moved: string): string
}

/**
 * An attack's own update, fused into the step graph. A rule is a constant of its module: compiled programs are kept by
 * it. What is remembered of a sample between steps is declared as state, and starts at 0.
 */
export interface UpdateRule {
  readonly state: Readonly<Record<string, 'sample' | 'number'>>
  /** @returns the next points, and the next value of each state */
  build(u: UpdateBuilder): {
    readonly next: string
    readonly state: Readonly<Record<string, string>>
  }
}

/** x ← project(x + ascend(∇)): FGSM, BIM, PGD. */
export const steepest: UpdateRule = {
  state: {},
  build: (u) => ({ next: u.project(u.emit('Add', [u.xAdv, u.ascend(u.gradient)])), state: {} }),
}

/** Names of a state's input and output in the step graph. */
export const stateNames = (key: string): { input: string; output: string } => ({
  input: `state/${key}`,
  output: `state/${key}/next`,
})

/** @param scale - what the gradient was multiplied by: 1 or the update's `gradientScale` */
export function updateBuilder(
  update: Update,
  inputs: UpdateInputs,
  { gradient, scale, state }: Pick<UpdateRule, 'state'> & { gradient: string; scale: number },
): UpdateBuilder {
  const { g } = inputs
  const ascend = (direction: string): string => {
    if (direction === gradient || update.gradientScale === 1)
      return update.ascend(inputs, direction, direction === gradient ? scale : 1)
    const scaled = g.emit('Mul', [direction, g.scalar(update.gradientScale)])
    return update.ascend(inputs, scaled, update.gradientScale)
  }
  return {
    emit: (op, operands, attrs) => g.emit(op, operands, attrs),
    scalar: (value) => g.scalar(value),
    xAdv: inputs.xAdv,
    gradient,
    stepSize: 'step_size',
    state: Object.fromEntries(Object.keys(state).map((key) => [key, stateNames(key).input])),
    norm1: (value) => norm(inputs, 'ReduceL1', value),
    ascend,
    project: (moved) => update.project(inputs, moved),
  }
}

/** Inputs of the step graph for a rule's state. */
export function stateInputs({ state }: UpdateRule, inputs: UpdateInputs): Value[] {
  return Object.entries(state).map(([key, kind]) => ({
    ...samples(inputs, stateNames(key).input),
    ...(kind === 'number' ? { dims: [inputs.batch, ...inputs.sampleShape.map(() => 1)] } : {}),
  }))
}
