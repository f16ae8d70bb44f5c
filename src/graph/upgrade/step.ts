import { GauntletError } from '../../errors.js'
import type { Attr, Node, Tensor } from '../ir.js'

/**
 * How one operator changes at one opset version. `run` gets a node in the form before `to` and returns nodes in the
 * form of `to`; the engine takes those through the later steps. Operators without a step keep their form.
 */
export interface Step {
  readonly op: string
  readonly to: number
  readonly run: (node: Node, context: StepContext) => readonly Node[]
}

export interface StepContext {
  /** A name nobody uses yet. */
  readonly fresh: (hint: string) => string
  /** Adds a constant to the graph of the node. @returns its name */
  readonly constant: (hint: string, tensor: Tensor) => string
  /** The constant behind a value, if it is one. */
  readonly constantOf: (name: string) => Tensor | undefined
  /** Number of axes of a value of the old graph, where it is known. */
  readonly rankOf: (name: string) => number | undefined
  /** Whether a later node or an output of the graph reads the value. */
  readonly isUsed: (name: string) => boolean
  /** Whether every float in the model is float32, so that a new float constant is surely of the right type. */
  readonly isAllFloat32: boolean
}

export function intsAttr(node: Node, name: string): readonly number[] | undefined {
  const attr = node.attrs[name]
  return attr?.kind === 'ints' ? attr.value : undefined
}

export function intAttr(node: Node, name: string, otherwise: number): number {
  const attr = node.attrs[name]
  return attr?.kind === 'int' ? attr.value : otherwise
}

export function floatAttr(node: Node, name: string): number | undefined {
  const attr = node.attrs[name]
  return attr?.kind === 'float' ? attr.value : undefined
}

export function stringAttr(node: Node, name: string): string | undefined {
  const attr = node.attrs[name]
  return attr?.kind === 'string' ? attr.value : undefined
}

/** The node without some attributes, and with others set. */
export function withAttrs(
  node: Node,
  without: readonly string[],
  set: Readonly<Record<string, Attr>> = {},
): Node {
  const kept = Object.entries(node.attrs).filter(([name]) => !without.includes(name))
  return { ...node, attrs: { ...Object.fromEntries(kept), ...set } }
}

/** The node with `inputs`, absent ones at the end cut off. */
export function withInputs(node: Node, inputs: readonly string[]): Node {
  const last = inputs.findLastIndex((name) => name !== '')
  return { ...node, inputs: inputs.slice(0, last + 1) }
}

export function firstInput(node: Node): string {
  const [input] = node.inputs
  if (!input) throw malformed(node, 'no input')
  return input
}

/** A node that its own opset does not allow. */
export function malformed(node: Node, got: string): GauntletError {
  return new GauntletError('GNT_MODEL_FORMAT', {
    what: `a ${node.op} node is not as its opset says`,
    where: `node "${node.name}"`,
    got,
  })
}

/** A legacy form that has no counterpart in opset 18. */
export function refused(node: Node, to: number, what: string): GauntletError {
  return new GauntletError('GNT_MODEL_UNSUPPORTED', {
    what: `${node.op} of an opset before ${to}: ${what}`,
    where: `node "${node.name}"`,
    fix: 'export the model again with opset 18',
  })
}
