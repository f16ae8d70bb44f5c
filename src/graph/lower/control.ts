import type { GraphBuilder } from '../builder.js'
import type { Attr, Graph, Node } from '../ir.js'
import type { NodeView } from '../node-view.js'
import { isFixed, sameShape } from '../shapes.js'
import { outerValues } from '../sort.js'
import { isFloating, scalar, tensorOf, tensorOfBools, tensorOfInts } from '../tensor.js'
import { inlined } from './inline.js'
import type { Lowering, LoweringTable } from './lowering.js'
import { opsOf } from './ops.js'

/**
 * If, Loop and Scan. A condition or a number of steps that the graph fixes is a constant by now (`foldStatic`): the
 * branch taken is written out, and a body as often as it runs. Source: ONNX Operators.md, If, Loop, Scan.
 */

const subgraph = (node: Node, name: string): Graph => (node.attrs[name] as Attr).value as Graph

const choose: Lowering = (view) => {
  const { g, x, node } = view
  const bodies = [subgraph(node, 'then_branch'), subgraph(node, 'else_branch')] as const
  const condition = g.initializer(x[0]!)
  if (condition) return inlined(g, bodies[scalar(condition) === 0 ? 1 : 0])([])
  const handed = bodies.map(handedOn)
  return handed[0] && handed[1] ? select(view, handed[0], handed[1]) : hoist(view, bodies)
}

/**
 * Both branches in front of an If that only hands one of them on, so that their shapes can be probed. Each reads what
 * it shares with the rest through a Where: a branch that is not taken may divide by zero, and its gradient, zero times
 * infinity, must not reach anyone.
 */
function hoist({ g, x, y, node }: NodeView, bodies: readonly [Graph, Graph]): readonly string[] {
  const condition = asScalar(g, x[0]!)
  const [then, otherwise] = bodies.map((body, k) => {
    const gates = outerValues(body).filter((name) => isComputedFloat(g, name))
    const gated = gates.map((name): [string, string] => {
      const one = g.scalar(1, g.info(name).dtype)
      return [name, g.emit('Where', k === 0 ? [condition, name, one] : [condition, one, name])]
    })
    return handing(g, body, inlined(g, body, new Map(gated))([]))
  })
  const outputs = y.map((name) => (name === '' ? '' : g.fresh(name)))
  const attrs = { then_branch: graphAttr(then!), else_branch: graphAttr(otherwise!) }
  g.append({ ...node, outputs, attrs })
  return outputs
}

const isComputedFloat = (g: GraphBuilder, name: string): boolean =>
  !g.initializer(name) && g.knows(name) && isFloating(g.info(name).dtype)

const asScalar = (g: GraphBuilder, condition: string): string =>
  g.emit('Reshape', [condition, g.constant(tensorOfInts([0], []))])

const graphAttr = (value: Graph): Attr => ({ kind: 'graph', value })

/** A branch that computes nothing: its outputs are values from outside. */
function handing(g: GraphBuilder, like: Graph, values: readonly string[]): Graph {
  const outputs = values.map((value) => g.fresh(`${value}/taken`))
  return {
    ...like,
    inputs: [],
    initializers: {},
    outputs: outputs.map((name, k) => ({ ...like.outputs[k]!, name, dims: null })),
    nodes: outputs.map((name, k) => ({
      name,
      op: 'Identity',
      domain: '',
      inputs: [values[k]!],
      outputs: [name],
      attrs: {},
    })),
  }
}

/** The outer values that a branch hands on; null where it computes anything. */
function handedOn({ nodes, outputs, initializers }: Graph): readonly string[] | null {
  if (nodes.some(({ op }) => op !== 'Identity') || Object.keys(initializers).length > 0) return null
  const from = new Map(nodes.map((node) => [node.outputs[0]!, node.inputs[0]!]))
  const origin = (name: string): string => {
    const source = from.get(name)
    return source === undefined ? name : origin(source)
  }
  return outputs.map(({ name }) => origin(name))
}

/** @returns null where the branches differ in shape, or are no tensors */
function select(
  { g, x, y }: NodeView,
  then: readonly string[],
  otherwise: readonly string[],
): readonly string[] | null {
  const isSame = y.every((name, k) => {
    const [a, b] = [then[k]!, otherwise[k]!]
    return name === '' || (g.knows(a) && g.knows(b) && sameShape(g.info(a).shape, g.info(b).shape))
  })
  if (!isSame) return null
  const condition = asScalar(g, x[0]!)
  return y.map((name, k) => (name === '' ? '' : whichever(g, condition, then[k]!, otherwise[k]!)))
}

/** ONNX Runtime's Where has no kernel for truth values. */
function whichever(g: GraphBuilder, condition: string, a: string, b: string): string {
  if (g.info(a).dtype !== 'bool') return g.emit('Where', [condition, a, b])
  const not = g.emit('Not', [condition])
  return g.emit('Or', [g.emit('And', [condition, a]), g.emit('And', [not, b])])
}

/** More nodes than a session opens in reasonable time. */
const mostNodes = 200_000

/** A body's first inputs are the number of the step and the condition, its first output is the next condition. */
const repeat: Lowering = ({ g, x, y, node, info }) => {
  const body = subgraph(node, 'body')
  const most = x[0] ? g.initializer(x[0]) : undefined
  const trips = most && tripsOf(g, node, body, scalar(most))
  if (trips === undefined || trips * body.nodes.length > mostNodes) return null
  const ops = opsOf(g, 'float32')
  const count = x.length - 2
  const step = inlined(g, body)
  const collected = y.slice(count).map((): string[] => [])
  let states = x.slice(2)
  for (let k = 0; k < trips; k++) {
    const number = tensorOf('int64', scalarDims(body, 0), [k])
    const goesOn = tensorOfBools(scalarDims(body, 1), [true])
    const [, ...values] = step([g.constant(number), g.constant(goesOn), ...states])
    states = values.slice(0, count)
    collected.forEach((list, j) => list.push(ops.unsqueeze(values[count + j]!, 0)))
  }
  const stacked = collected.map((list, j) => {
    const name = y[count + j]!
    if (list.length > 0 || name === '') return list.length > 0 ? ops.concat(list, 0) : ''
    const { dtype, shape } = info(name)
    return shape.every(isFixed) ? g.constant(tensorOf(dtype, shape, [])) : null
  })
  return stacked.includes(null) ? null : [...states, ...(stacked as string[])]
}

/** Most files say scalars, some one-element lists. */
const scalarDims = (body: Graph, input: number): number[] =>
  body.inputs[input]?.dims?.length === 1 ? [1] : []

/** @returns undefined where the graph does not fix the number of steps */
function tripsOf(g: GraphBuilder, node: Node, body: Graph, most: number): number | undefined {
  const first = node.inputs[1] ? g.initializer(node.inputs[1]) : tensorOfBools([], [true])
  if (!first) return undefined
  if (scalar(first) === 0) return 0
  const source = new Map(
    body.nodes.flatMap(({ op, inputs, outputs }): [string, string][] =>
      op === 'Identity' ? [[outputs[0]!, inputs[0]!]] : [],
    ),
  )
  let next = body.outputs[0]!.name
  for (let from = source.get(next); from !== undefined; from = source.get(next)) next = from
  if (next === body.inputs[1]?.name) return Math.max(0, most)
  const constant = body.initializers[next] ?? g.initializer(next)
  if (!constant) return undefined
  return Math.max(0, scalar(constant) === 0 ? Math.min(1, most) : most)
}

/** A Loop over slices: states and slices go in, states and what is collected come out. */
const scan: Lowering = ({ g, x, y, node, int, ints, shape }) => {
  const body = subgraph(node, 'body')
  const inputCount = int('num_scan_inputs', 1)
  const count = x.length - inputCount
  // The form of opset 8 has a batch axis of its own and lengths in front.
  if (node.attrs['directions'] || count < 0) return null
  const ops = opsOf(g, 'float32')
  const of = (name: string, k: number): number => ints(name)?.[k] ?? 0
  const axisOf = (k: number): number => {
    const axis = of('scan_input_axes', k)
    return axis < 0 ? axis + shape(x[count + k]!).length : axis
  }
  const trips = shape(x[count]!)[axisOf(0)]!
  if (!isFixed(trips) || trips === 0 || trips * body.nodes.length > mostNodes) return null
  const slices = x.slice(count).map((name, k) => {
    const axis = axisOf(k)
    const sizes = Array.from({ length: trips }, () => 1)
    const parts = ops
      .split(name, axis, sizes)
      .map((part) => g.emit('Squeeze', [part, g.ints([axis])]))
    return of('scan_input_directions', k) === 1 ? parts.toReversed() : parts
  })
  const step = inlined(g, body)
  const collected = y.slice(count).map((): string[] => [])
  let states = x.slice(0, count)
  for (let t = 0; t < trips; t++) {
    const values = step([...states, ...slices.map((parts) => parts[t]!)])
    states = values.slice(0, count)
    collected.forEach((list, j) =>
      list.push(ops.unsqueeze(values[count + j]!, of('scan_output_axes', j))),
    )
  }
  const stacked = collected.map((list, j) =>
    ops.concat(
      of('scan_output_directions', j) === 1 ? list.toReversed() : list,
      of('scan_output_axes', j),
    ),
  )
  return [...states, ...stacked]
}

export const controlLowerings: LoweringTable = { If: choose, Loop: repeat, Scan: scan }
