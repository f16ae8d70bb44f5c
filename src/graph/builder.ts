import { GauntletError } from '../errors.js'
import type { Attr, DType, Graph, Node, Tensor, Value } from './ir.js'
import { renameOuter } from './passes/rename.js'
import { capturedBy, innerValues, neededBy, sortNodes } from './sort.js'
import { addedAxes, reshapeTarget, type Shape, type ValueInfo, type ValueInfos } from './shapes.js'
import { byteLengthOf, tensorOf, tensorOfInts } from './tensor.js'

/** Attributes as rules write them: whole numbers become `int`, arrays `ints`; floats are `float(0.5)`. */
export type AttrInput = number | string | readonly number[] | Attr

export const float = (value: number): Attr => ({ kind: 'float', value })

/**
 * Appends nodes to a graph. The one mutable thing in the compiler: a pass makes a builder, emits, and
 * calls `finish`, which drops everything the outputs do not need.
 */
export class GraphBuilder {
  readonly #base: Graph
  readonly #nodes: Node[]
  readonly #initializers = new Map<string, Tensor>()
  readonly #constants = new Map<string, string>()
  readonly #taken = new Set<string>()
  readonly #takenByNodes = new Set<string>()
  readonly #replaced = new Map<string, string>()
  readonly #infos: Map<string, ValueInfo>
  #producers: ReadonlyMap<string, Node> | undefined
  #counter = 0

  /** @param infos - what is known of the base's values; rules ask through `info` */
  constructor(base: Graph, infos: ValueInfos = new Map()) {
    this.#base = base
    this.#nodes = [...base.nodes]
    this.#infos = new Map(infos)
    for (const [name, tensor] of Object.entries(base.initializers)) {
      this.#initializers.set(name, tensor)
      this.#infos.set(name, { dtype: tensor.dtype, shape: tensor.dims })
      this.#taken.add(name)
    }
    for (const input of base.inputs) this.#taken.add(input.name)
    for (const node of base.nodes) {
      this.#takenByNodes.add(node.name)
      for (const output of node.outputs) this.#taken.add(output)
      // A name inside a subgraph would hide a new value of the same name.
      for (const attr of Object.values(node.attrs))
        if (attr.kind === 'graph') for (const name of innerValues(attr.value)) this.#taken.add(name)
    }
  }

  /** Version of ai.onnx: graphs of a later one than 18 keep theirs. */
  get opset(): number {
    return this.#base.opsets[''] ?? 0
  }

  /** A name no value has yet. */
  fresh(hint: string): string {
    return this.#unused(hint, this.#taken)
  }

  /** Values and nodes have names of their own: a node of the base may be called as a new value must be. */
  #unused(hint: string, taken: Set<string>): string {
    let name = hint
    while (taken.has(name)) name = `${hint}_${++this.#counter}`
    taken.add(name)
    return name
  }

  /** Appends a node with one output. @returns the output's name */
  emit(
    op: string,
    inputs: readonly string[],
    attrs: Readonly<Record<string, AttrInput>> = {},
    options: { domain?: string; name?: string } = {},
  ): string {
    return this.emitMany(op, inputs, 1, attrs, options)[0]!
  }

  /** Appends a node with `count` outputs. */
  emitMany(
    op: string,
    inputs: readonly string[],
    count: number,
    attrs: Readonly<Record<string, AttrInput>> = {},
    options: { domain?: string; name?: string } = {},
  ): string[] {
    const name = options.name ? this.fresh(options.name) : this.fresh(`${op}_g`)
    const outputs = Array.from({ length: count }, (_, i) =>
      i === 0 ? name : this.fresh(`${name}_${i}`),
    )
    this.#nodes.push({
      name: this.#unused(name, this.#takenByNodes),
      op,
      domain: options.domain ?? '',
      inputs: inputs.map((input) => this.#current(input)),
      outputs,
      attrs: Object.fromEntries(Object.entries(attrs).map(([key, value]) => [key, toAttr(value)])),
    })
    return outputs
  }

  /**
   * Appends a node as it is, of another graph maybe: with its inputs and outputs as they are, its name if it is free.
   * @param node - its outputs have names from `fresh`
   */
  append(node: Node): void {
    this.#nodes.push({
      ...node,
      name: this.#unused(node.name, this.#takenByNodes),
      inputs: node.inputs.map((input) => this.#current(input)),
      attrs: capturing(node.attrs, (name) => this.#current(name)),
    })
  }

  /** A point in the list of nodes, for `nodesSince`. */
  mark(): number {
    return this.#nodes.length
  }

  /** The nodes appended after `mark`. */
  nodesSince(mark: number): readonly Node[] {
    return this.#nodes.slice(mark)
  }

  /** A constant; equal constants are shared. */
  constant(tensor: Tensor, hint = 'const'): string {
    const small = byteLengthOf(tensor) <= 256
    const key = small
      ? `${tensor.dtype}:${tensor.dims.join()}:${Buffer.from(tensor.data).toString('hex')}`
      : ''
    const known = small ? this.#constants.get(key) : undefined
    if (known) return known
    const name = this.fresh(hint)
    this.#initializers.set(name, tensor)
    this.#infos.set(name, { dtype: tensor.dtype, shape: tensor.dims })
    if (small) this.#constants.set(key, name)
    return name
  }

  ints(values: readonly number[]): string {
    return this.constant(tensorOfInts([values.length], values), 'ints')
  }

  scalar(value: number, dtype: DType = 'float32'): string {
    return this.constant(tensorOf(dtype, [], [value]), 'scalar')
  }

  initializer(name: string): Tensor | undefined {
    return this.#initializers.get(name)
  }

  /** Dtype and shape of a base value or constant. @throws GNT_GRAPH_DYNAMIC_SHAPE when unknown */
  info(name: string): ValueInfo {
    const info = this.#infos.get(name)
    if (!info)
      throw new GauntletError('GNT_GRAPH_DYNAMIC_SHAPE', {
        what: 'the shape of a value is not known',
        where: name,
        fix: 'probe the graph before differentiating it',
      })
    return info
  }

  /** The node of the base that makes a value. */
  producer(name: string): Node | undefined {
    this.#producers ??= new Map(
      this.#base.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)),
    )
    return this.#producers.get(name)
  }

  knows(name: string): boolean {
    return this.#infos.has(name)
  }

  /** Lets later emits ask for the shape of something emitted earlier. */
  know(name: string, info: ValueInfo): string {
    this.#infos.set(name, info)
    return name
  }

  /** All that is known of values, for the passes that follow. */
  get infos(): ValueInfos {
    return this.#infos
  }

  /**
   * Every node that reads `value` reads `by` instead, and so does whatever is emitted later. Graph outputs keep
   * their names and values.
   */
  replace(value: string, by: string): void {
    this.#replaced.set(value, by)
    this.#nodes.forEach((node, index) => {
      if (node.inputs.includes(value) || capturedBy(node).includes(value)) {
        const renamed = (name: string): string => (name === value ? by : name)
        this.#nodes[index] = {
          ...node,
          inputs: node.inputs.map(renamed),
          attrs: capturing(node.attrs, renamed),
        }
      }
    })
  }

  #current(value: string): string {
    let name = value
    for (let by = this.#replaced.get(name); by !== undefined; by = this.#replaced.get(name))
      name = by
    return name
  }

  /** Gives a node of the base other inputs. */
  rewire(node: Node, inputs: readonly string[]): void {
    const index = this.#nodes.findIndex((one) => one.outputs[0] === node.outputs[0])
    this.#nodes[index] = { ...node, inputs }
  }

  /**
   * Reshapes to a probed shape, through a constant where one will do, else through `Shape(like)`. Axes that only come or
   * go keep the symbols of the others: ONNX Runtime invents one for a size that a Reshape infers, and another one for
   * each value behind it.
   */
  reshapeTo(value: string, shape: Shape, like: string): string {
    const from = this.#infos.get(value)?.shape
    const target = reshapeTarget(shape, from)
    if (from && !target?.every((size) => size >= 0)) {
      const more = addedAxes(shape, from)
      if (more) return this.emit('Unsqueeze', [value, this.ints(more)])
      const fewer = addedAxes(from, shape)
      if (fewer) return this.emit('Squeeze', [value, this.ints(fewer)])
    }
    return this.emit('Reshape', [value, target ? this.ints(target) : this.emit('Shape', [like])])
  }

  /**
   * The finished graph: only nodes and constants that `outputs` need, in topological order.
   * @param inputs - the new graph's inputs; base inputs that nothing needs may be left out
   */
  finish(inputs: readonly Value[], outputs: readonly Value[], name = this.#base.name): Graph {
    const needed = new Set(outputs.map((output) => output.name))
    const nodes: Node[] = []
    // `replace` may have made a node read what was emitted after it.
    for (const node of sortNodes(this.#nodes).toReversed()) {
      if (!node.outputs.some((output) => needed.has(output))) continue
      nodes.push(node)
      for (const value of neededBy(node)) needed.add(value)
    }
    nodes.reverse()
    return {
      ...this.#base,
      name,
      inputs,
      outputs,
      nodes,
      initializers: Object.fromEntries([...this.#initializers].filter(([key]) => needed.has(key))),
    }
  }
}

/** Attributes whose subgraphs read outer values by other names. */
function capturing(attrs: Node['attrs'], rename: (name: string) => string): Node['attrs'] {
  const entries = Object.entries(attrs)
  if (!entries.some(([, attr]) => attr.kind === 'graph')) return attrs
  return Object.fromEntries(
    entries.map(([key, attr]) => [
      key,
      attr.kind === 'graph' ? { ...attr, value: renameOuter(attr.value, rename) } : attr,
    ]),
  )
}

function toAttr(value: AttrInput): Attr {
  if (typeof value === 'number') return { kind: 'int', value }
  if (typeof value === 'string') return { kind: 'string', value }
  if (Array.isArray(value)) return { kind: 'ints', value }
  return value as Attr
}
