import { GauntletError } from '../errors.js'
import type { Graph, Node, Tensor } from '../graph/ir.js'
import { readersOf } from '../graph/passes/readers.js'
import { neededBy } from '../graph/sort.js'
import { elementCount } from '../graph/tensor.js'
import { penultimate } from '../model/penultimate.js'
import { didYouMean } from '../util/did-you-mean.js'

/** What a constant is to its layer, which decides how a new one is drawn. */
export type ParameterRole =
  'weight' | 'bias' | 'scale' | 'shift' | 'slope' | 'embedding' | 'recurrent'

export interface Parameter {
  /** Its name as an initializer. */
  readonly name: string
  readonly role: ParameterRole
  /** Numbers that one output of its layer is made of; of a recurrent layer its hidden units. 0 where it has no say. */
  readonly fanIn: number
}

/**
 * What is trained: `all` that `parametersOf` finds; `head`, the last linear layer alone; or names of float32
 * initializers, in which `*` stands for any characters.
 */
export type Trained = 'all' | 'head' | readonly string[]

/** Roles of an operator's inputs by their place. */
const places: Readonly<Record<string, Readonly<Record<number, ParameterRole>>>> = {
  Conv: { 1: 'weight', 2: 'bias' },
  ConvTranspose: { 1: 'weight', 2: 'bias' },
  Gemm: { 0: 'weight', 1: 'weight', 2: 'bias' },
  MatMul: { 0: 'weight', 1: 'weight' },
  BatchNormalization: { 1: 'scale', 2: 'shift' },
  InstanceNormalization: { 1: 'scale', 2: 'shift' },
  LayerNormalization: { 1: 'scale', 2: 'shift' },
  GroupNormalization: { 1: 'scale', 2: 'shift' },
  PRelu: { 1: 'slope' },
  Gather: { 0: 'embedding' },
  LSTM: { 1: 'recurrent', 2: 'recurrent', 3: 'recurrent' },
  GRU: { 1: 'recurrent', 2: 'recurrent', 3: 'recurrent' },
  RNN: { 1: 'recurrent', 2: 'recurrent', 3: 'recurrent' },
}

/** Keep every value: an initializer may be read through them. */
const keeping = new Set(['Identity', 'Transpose', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'])

/**
 * The parameters of a classifier, found by what reads them. A float32 initializer is one if the scores depend on it and
 * it is, maybe transposed or reshaped on the way,
 * - weight, bias, scale, shift, slope, table or recurrent weight of an operator in `places`, whose other operand differs
 *   from sample to sample;
 * - added to what a MatMul, Gemm or Conv gives: its bias, as PyTorch exports a linear layer;
 * - a vector (one axis longer than 1) added to or multiplied with any value behind such a layer: the scale and shift of a
 *   normalisation written out.
 *
 * So these are none: integers and shapes; single numbers that are added or multiplied; mean and standard deviation of a
 * preprocessing, because no layer is before them; what is subtracted or divided by; running statistics; tables of
 * positions and masks of attention, which are no vectors (name them to train them).
 *
 * @param graph - in inference form (`inferenceForm`)
 */
export function parametersOf(
  graph: Graph,
  output = graph.outputs[0]?.name ?? '',
): readonly Parameter[] {
  const found = new Map<string, Parameter>()
  const needed = neededFor(graph, output)
  const seen = new Values(graph)
  for (const node of graph.nodes) {
    const of = node.domain === '' ? seen.parametersOf(node) : []
    seen.pass(node)
    if (!node.outputs.some((name) => needed.has(name))) continue
    for (const parameter of of) if (!found.has(parameter.name)) found.set(parameter.name, parameter)
  }
  return [...found.values()]
}

/**
 * The parameters to train.
 * @throws GNT_MODEL_UNSUPPORTED where there are none; GNT_USAGE for a name that matches no float32 initializer
 */
export function chooseParameters(
  graph: Graph,
  trained: Trained,
  output = graph.outputs[0]?.name ?? '',
): readonly Parameter[] {
  const all = parametersOf(graph, output)
  if (trained === 'head') return headOf(graph, all, output)
  if (trained !== 'all') return trained.flatMap((name) => named(graph, all, name)).filter(isFirst)
  if (all.length > 0) return all
  throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
    what: 'the model has no weights that could be trained',
    got: `${Object.keys(graph.initializers).length} constants, none of them a float32 weight of a layer`,
    fix: 'name the initializers to train',
  })
}

const isFirst = ({ name }: Parameter, at: number, all: readonly Parameter[]): boolean =>
  all.findIndex((other) => other.name === name) === at

function headOf(graph: Graph, all: readonly Parameter[], output: string): readonly Parameter[] {
  const { layer } = penultimate(graph, output)
  const seen = new Values(graph)
  const names = [layer.weight, layer.bias ?? ''].map((name) => seen.initializerOf(name))
  return all.filter(({ name }) => names.includes(name))
}

function named(graph: Graph, all: readonly Parameter[], pattern: string): readonly Parameter[] {
  const floats = Object.keys(graph.initializers).filter(
    (name) => graph.initializers[name]?.dtype === 'float32',
  )
  // Only what is a parameter may be meant by a pattern; a name means what it names.
  const isWild = pattern.includes('*') && !floats.includes(pattern)
  const expression = new RegExp(
    `^${pattern
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
    's',
  )
  const matching = isWild
    ? all.filter(({ name }) => expression.test(name))
    : floats
        .filter((name) => name === pattern)
        .map(
          (name) =>
            all.find((one) => one.name === name) ?? ({ name, role: 'shift', fanIn: 0 } as const),
        )
  if (matching.length > 0) return matching
  const near = didYouMean(pattern, floats)
  throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
    what: isWild
      ? 'no parameter of the model matches'
      : 'only a float32 constant of the model can be trained',
    where: `parameter ${pattern}`,
    got: isWild
      ? `${all.length} parameters`
      : (graph.initializers[pattern]?.dtype ?? 'no constant of that name'),
    expected: isWild
      ? all
          .map(({ name }) => name)
          .slice(0, 8)
          .join(', ')
      : 'the name of a float32 initializer',
    ...(near ? { fix: `did you mean ${near}?` } : {}),
  })
}

/** Everything that the scores are computed from. */
function neededFor(graph: Graph, output: string): ReadonlySet<string> {
  const needed = new Set([output])
  for (const node of graph.nodes.toReversed())
    if (node.outputs.some((name) => needed.has(name)))
      for (const name of neededBy(node)) needed.add(name)
  return needed
}

/** What is known of the values while the graph is walked in order. */
class Values {
  readonly #graph: Graph
  readonly #producer: (name: string) => Node | undefined
  /** Differ from sample to sample. */
  readonly #varying: Set<string>
  /** Lie behind a layer with weights. */
  readonly #learned = new Set<string>()
  /** What a linear layer gives, and how many numbers one of its outputs is made of. */
  readonly #linear = new Map<string, number>()

  constructor(graph: Graph) {
    this.#graph = graph
    this.#producer = readersOf(graph).producer
    this.#varying = new Set(graph.inputs.map(({ name }) => name))
  }

  parametersOf(node: Node): readonly Parameter[] {
    const roles = places[node.op]
    if (!roles) return this.#addends(node)
    const isLive = node.inputs.some((name, k) => !(k in roles) && this.#varying.has(name))
    const isProduct = node.op === 'Gemm' || node.op === 'MatMul'
    if (!isLive && !(isProduct && node.inputs.slice(0, 2).some((name) => this.#varying.has(name))))
      return []
    const fanIn = this.#fanInOf(node)
    return node.inputs.flatMap((input, k): Parameter[] => {
      const role = roles[k]
      const name = role && this.initializerOf(input)
      return role && name ? [{ name, role, fanIn }] : []
    })
  }

  /** Biases of linear layers and vectors behind layers. */
  #addends(node: Node): readonly Parameter[] {
    if (node.op !== 'Add' && node.op !== 'Mul') return []
    const value = node.inputs.find((name) => this.#varying.has(name))
    const name = node.inputs.map((input) => this.initializerOf(input)).find(Boolean)
    if (value === undefined || !name || !this.#learned.has(value)) return []
    const { dims } = this.#graph.initializers[name]!
    const fanIn = this.#linear.get(value)
    if (node.op === 'Add' && fanIn !== undefined && dims.length > 0 && isVector(dims))
      return [{ name, role: 'bias', fanIn }]
    if (!isVector(dims) || elementCount(dims) === 1) return []
    return [{ name, role: node.op === 'Add' ? 'shift' : 'scale', fanIn: 0 }]
  }

  /** Notes what is known of the node's outputs. */
  pass(node: Node): void {
    const varying = node.inputs.filter((name) => this.#varying.has(name))
    if (node.op === 'Shape' || node.op === 'Size' || varying.length === 0) return
    const isLayer = node.domain === '' && this.parametersOf(node).length > 0
    const isLearned = isLayer || varying.some((name) => this.#learned.has(name))
    const fanIn = linearOps.has(node.op)
      ? this.#fanInOf(node)
      : keeping.has(node.op)
        ? this.#linear.get(node.inputs[0] ?? '')
        : undefined
    for (const name of node.outputs) {
      this.#varying.add(name)
      if (isLearned) this.#learned.add(name)
      if (isLayer || keeping.has(node.op)) if (fanIn) this.#linear.set(name, fanIn)
    }
  }

  /** The float32 initializer that a value is, up to the order of its elements. */
  initializerOf(value: string): string | undefined {
    const constant: Tensor | undefined = this.#graph.initializers[value]
    if (constant) return constant.dtype === 'float32' ? value : undefined
    const node = this.#producer(value)
    if (!node || node.domain !== '' || !keeping.has(node.op)) return undefined
    return this.initializerOf(node.inputs[0] ?? '')
  }

  /**
   * As PyTorch counts: of a kernel (M, C/g, …K) its elements but for the first axis, of a transposed one as well; of a
   * matrix the axis that is summed over.
   */
  #fanInOf({ op, attrs, inputs }: Node): number {
    const turned = attrs['transB']?.kind === 'int' && attrs['transB'].value !== 0
    const dims = this.#dimsOf(
      inputs[op === 'Gemm' || op === 'MatMul' ? this.#matrixAt(inputs) : 1] ?? '',
    )
    if (op === 'Conv' || op === 'ConvTranspose') return elementCount(dims.slice(1))
    if (op === 'LSTM' || op === 'GRU' || op === 'RNN')
      return this.#dimsOf(inputs[2] ?? '').at(-1) ?? 0
    if (op !== 'Gemm' && op !== 'MatMul') return 0
    if (this.#matrixAt(inputs) === 0) return dims.at(-1) ?? 0
    return (turned ? dims.at(-1) : dims.at(-2)) ?? 0
  }

  #matrixAt = (inputs: readonly string[]): 0 | 1 => (this.initializerOf(inputs[1] ?? '') ? 1 : 0)

  /** Sizes of a constant as it is read, behind a Transpose. */
  #dimsOf(value: string): readonly number[] {
    const constant = this.#graph.initializers[value]
    if (constant) return constant.dims
    const node = this.#producer(value)
    if (node?.op !== 'Transpose') return []
    const dims = this.#dimsOf(node.inputs[0] ?? '')
    const perm = node.attrs['perm']
    return perm?.kind === 'ints' ? perm.value.map((axis) => dims[axis] ?? 0) : dims.toReversed()
  }
}

const linearOps = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul'])

const isVector = (dims: readonly number[]): boolean => dims.filter((size) => size > 1).length <= 1
