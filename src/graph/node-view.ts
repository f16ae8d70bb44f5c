import { GauntletError } from '../errors.js'
import type { GraphBuilder } from './builder.js'
import type { Attr, Node } from './ir.js'
import type { Shape, ValueInfo } from './shapes.js'
import { ints } from './tensor.js'

/** One node of a graph whose shapes are probed, with its attributes at hand. */
export interface NodeView {
  readonly g: GraphBuilder
  readonly node: Node
  /** Input and output names; `''` is an absent optional one. */
  readonly x: readonly string[]
  readonly y: readonly string[]
  info(name: string): ValueInfo
  shape(name: string): Shape
  /** An integer attribute, or its default. */
  int(name: string, otherwise: number): number
  float(name: string, otherwise: number): number
  string(name: string, otherwise: string): string
  ints(name: string): readonly number[] | undefined
  attr(name: string): Attr | undefined
  /** The values of a constant integer input (axes, pads, …). @throws GNT_GRAPH_DYNAMIC_SHAPE if it is not constant */
  constantInts(index: number): number[] | undefined
  /** A constant of the dtype of the node's first input. */
  scalar(value: number): string
}

export function viewOf(g: GraphBuilder, node: Node): NodeView {
  const attr = (name: string): Attr | undefined => node.attrs[name]
  return {
    g,
    node,
    x: node.inputs,
    y: node.outputs,
    attr,
    info: (name) => g.info(name),
    shape: (name) => g.info(name).shape,
    int(name, otherwise) {
      const found = attr(name)
      return found?.kind === 'int' ? found.value : otherwise
    },
    float(name, otherwise) {
      const found = attr(name)
      return found?.kind === 'float' || found?.kind === 'int' ? found.value : otherwise
    },
    string(name, otherwise) {
      const found = attr(name)
      return found?.kind === 'string' ? found.value : otherwise
    },
    ints(name) {
      const found = attr(name)
      return found?.kind === 'ints' ? found.value : undefined
    },
    constantInts(index) {
      const name = node.inputs[index]
      if (!name) return undefined
      const tensor = g.initializer(name)
      if (!tensor)
        throw new GauntletError('GNT_GRAPH_DYNAMIC_SHAPE', {
          what: `input ${index} of ${node.op} must be a constant to be differentiated`,
          where: `node ${node.name}`,
          got: `the computed value ${name}`,
          fix: 'export the model with a fixed input size',
        })
      return ints(tensor)
    },
    scalar: (value) => g.scalar(value, g.info(node.inputs[0]!).dtype),
  }
}
