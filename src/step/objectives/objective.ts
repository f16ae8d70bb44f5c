import type { GraphBuilder } from '../../graph/builder.js'
import type { DType } from '../../graph/ir.js'
import type { Shape } from '../../graph/shapes.js'

/** What a loss over one output reads. Floating-point values are of `dtype`. */
export interface ObjectiveInputs {
  readonly g: GraphBuilder
  readonly dtype: DType
  /** The output, of any shape. */
  readonly output: string
  readonly shape: Shape
  /** What is fed beside it; '' where the loss asks for nothing. */
  readonly fed: string
}

export interface ObjectiveOutputs {
  /** One term for each element, or each vector of scores: its sum is the loss. The first axis is the output's. */
  readonly terms: string
  readonly rank: number
  /** The gradient of that sum with respect to the output, of its shape. */
  readonly dOutput: string
}

/** A loss over a tensor of any shape. Its gradient is written out: exact where a chain would lose digits. */
export interface Objective {
  readonly title: string
  /**
   * What is fed: `classes` are int64 and lack the output's axis 1, along which the scores of the classes lie; `values`
   * have the shape of the output; null is nothing.
   */
  readonly feeds: 'classes' | 'values' | null
  /** Before the slash in the name of what is fed: `target/logits`. */
  readonly feedName: 'target' | 'seed'
  /** Fewest classes for which it is defined. */
  readonly leastClasses?: number
  build(inputs: ObjectiveInputs): ObjectiveOutputs
}
