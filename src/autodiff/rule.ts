import type { Node } from '../graph/ir.js'
import type { NodeView } from '../graph/node-view.js'
import type { ValueInfo } from '../graph/shapes.js'

/** What a rule sees: one node of the forward graph and the gradients that arrive at its outputs. */
export interface RuleContext extends NodeView {
  /** Gradient of each output; null where the loss does not depend on it. At least one is not null. */
  readonly dy: readonly (string | null)[]
  /** Which inputs need a gradient; the others may be answered with null. */
  readonly wants: readonly boolean[]
  /**
   * The gradients through other nodes that the rule has emitted since `mark` (`g.mark()`), by name: how an operator on
   * integers is differentiated by its form on real numbers, while its value stays what the integers give. The shapes
   * of all values of those nodes must be known.
   */
  through(
    mark: number,
    seeds: ReadonlyMap<string, string>,
    wrt: readonly string[],
  ): ReadonlyMap<string, string>
}

/** One gradient per input; null = none (not asked for, or zero). */
export type Gradients = readonly (string | null)[]

/**
 * How an operator is differentiated. The gradient of a value of integers, as quantized networks have them, is a float32
 * value: that with respect to the integers themselves. Rules see opset 18 forms only: `upgrade` brought the graph there.
 * - `gradient`: the rule.
 * - `zero`: the derivative is zero almost everywhere and nothing flows (comparisons, Shape, ArgMax).
 * - `straightThrough`: not differentiable; the named surrogate is used and reported (BPDA,
 *   Athalye et al. 2018, arXiv:1802.00420).
 * - `choice`: one of the above, by the node's types (a Cast between floats, to an integer, to bool).
 */
export type Rule =
  | SettledRule
  | {
      readonly kind: 'choice'
      /** What is chosen when, for the table of operators. */
      readonly note: string
      readonly choose: (node: Node, info: (name: string) => ValueInfo) => SettledRule
    }

export type SettledRule =
  | {
      readonly kind: 'gradient'
      readonly apply: (context: RuleContext) => Gradients
      readonly broadcasts: boolean
    }
  | { readonly kind: 'zero' }
  | {
      readonly kind: 'straightThrough'
      readonly apply: (context: RuleContext) => Gradients
      readonly surrogate: string
    }

/** Operator name, with `domain:` in front outside ai.onnx → rule. */
export type RuleTable = Readonly<Record<string, Rule>>

/** A rule whose gradients have their inputs' shapes. */
export const gradient = (apply: (context: RuleContext) => Gradients): SettledRule => ({
  kind: 'gradient',
  apply,
  broadcasts: false,
})

/** A rule of a broadcasting operator: gradients may have the output's shape, the engine sums them down. */
export const broadcasting = (apply: (context: RuleContext) => Gradients): SettledRule => ({
  kind: 'gradient',
  apply,
  broadcasts: true,
})

export const zero: SettledRule = { kind: 'zero' }

export const straightThrough = (
  surrogate: string,
  apply: (context: RuleContext) => Gradients = ({ dy }) => [dy[0]!],
): SettledRule => ({ kind: 'straightThrough', surrogate, apply })

export const choice = (
  note: string,
  choose: (node: Node, info: (name: string) => ValueInfo) => SettledRule,
): Rule => ({ kind: 'choice', note, choose })
