import { GauntletError } from '../errors.js'
import type { DType, Graph, Node, Tensor } from './ir.js'
import { neededBy } from './sort.js'
import { isFloating } from './tensor.js'
import { upgradeSteps } from './upgrade/index.js'
import { inferRanks } from './upgrade/rank.js'
import type { Step, StepContext } from './upgrade/step.js'

/** The form that gradient rules see: what ai.onnx says in this version. */
const canonicalOpset = 18
const oldestOpset = 7
const newestOpset = 23

/**
 * Brings ai.onnx nodes of opset 7..17 to their form in opset 18, subgraphs included; other domains stay as they are.
 * Graphs of opset 18..23 are returned as they are. What a rule may notice there, against 18: AveragePool
 * has `dilations` (19); Resize has `half_pixel_symmetric`, `antialias` over axes (19); Pad has the mode `wrap` (19);
 * GridSample calls its modes `linear` and `cubic` (20); GroupNormalization has `scale` and `bias` per channel rather
 * than per group (21); QuantizeLinear and DequantizeLinear have blocks (21).
 *
 * @param shapes - axes of values where they are known; only their number is used
 * @throws GauntletError GNT_MODEL_UNSUPPORTED for other opsets and for legacy forms without a counterpart
 */
export function upgrade(
  graph: Graph,
  shapes: ReadonlyMap<string, readonly unknown[]> = new Map(),
): Graph {
  const version = graph.opsets['']
  if (version === undefined) return graph
  if (version < oldestOpset || version > newestOpset) {
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: 'an opset version that is not supported',
      where: graph.name,
      got: `ai.onnx ${version}`,
      expected: `${oldestOpset} to ${newestOpset}`,
      fix: `export the model again with opset ${canonicalOpset}`,
    })
  }
  if (isUpgraded(graph)) return graph
  const ranks = new Map([...shapes].map(([name, axes]) => [name, axes.length]))
  const names = new Set(allNames(graph))
  return upgradeGraph(graph, {
    version,
    names,
    ranks,
    isAllFloat32: isAllFloat32(graph),
    outer: {},
  })
}

/** Nothing in it would be changed. */
export function isUpgraded({ opsets }: Graph): boolean {
  const version = opsets['']
  return version === undefined || (version >= canonicalOpset && version <= newestOpset)
}

interface Shared {
  readonly version: number
  /** Every name of the model; new ones are added. */
  readonly names: Set<string>
  readonly ranks: ReadonlyMap<string, number>
  readonly isAllFloat32: boolean
  /** Constants of the graphs around. */
  readonly outer: Graph['initializers']
}

function upgradeGraph(graph: Graph, shared: Shared): Graph {
  const added: Record<string, Tensor> = {}
  const constants = { ...shared.outer, ...graph.initializers }
  const ranks = inferRanks(graph, shared.ranks)
  const used = new Set([
    ...graph.nodes.flatMap(neededBy),
    ...graph.outputs.map((output) => output.name),
  ])
  const fresh = (hint: string): string => {
    let name = hint
    for (let i = 1; shared.names.has(name); i++) name = `${hint}_${i}`
    shared.names.add(name)
    return name
  }
  const context: StepContext = {
    fresh,
    constant(hint, tensor) {
      const name = fresh(hint)
      added[name] = tensor
      return name
    },
    constantOf: (name) => (Object.hasOwn(constants, name) ? constants[name] : undefined),
    rankOf: (name) => ranks.get(name),
    isUsed: (name) => used.has(name),
    isAllFloat32: shared.isAllFloat32,
  }
  const nodes = graph.nodes
    .map((node) => upgradeSubgraphs(node, { ...shared, ranks, outer: constants }))
    .flatMap((node) => upgradeNode(node, shared.version, context))
  return {
    ...graph,
    opsets: { ...graph.opsets, '': canonicalOpset },
    irVersion: Math.max(8, graph.irVersion),
    initializers: { ...graph.initializers, ...added },
    nodes,
  }
}

/** One step at a time: what a step returns may be another operator, with steps of its own. */
function upgradeNode(node: Node, version: number, context: StepContext): readonly Node[] {
  const step = node.domain === '' ? nextStep(node.op, version) : undefined
  if (!step) return [node]
  return step.run(node, context).flatMap((next) => upgradeNode(next, step.to, context))
}

function nextStep(op: string, version: number): Step | undefined {
  return upgradeSteps
    .filter((step) => step.op === op && step.to > version)
    .toSorted((a, b) => a.to - b.to)[0]
}

function upgradeSubgraphs(node: Node, shared: Shared): Node {
  const entries = Object.entries(node.attrs)
  if (!entries.some(([, attr]) => attr.kind === 'graph')) return node
  const attrs = entries.map(([name, attr]) =>
    attr.kind === 'graph'
      ? [name, { ...attr, value: upgradeGraph(attr.value, seenFrom(attr.value, shared)) }]
      : [name, attr],
  )
  return { ...node, attrs: Object.fromEntries(attrs) }
}

/** What is known of outer values, without those that the subgraph hides by its own of the same name. */
function seenFrom(graph: Graph, shared: Shared): Shared {
  const own = new Set([
    ...graph.inputs.map((input) => input.name),
    ...Object.keys(graph.initializers),
    ...graph.nodes.flatMap((node) => node.outputs),
  ])
  const isVisible = ([name]: readonly [string, unknown]): boolean => !own.has(name)
  return {
    ...shared,
    ranks: new Map([...shared.ranks].filter(isVisible)),
    outer: Object.fromEntries(Object.entries(shared.outer).filter(isVisible)),
  }
}

function allGraphs(graph: Graph): Graph[] {
  const inner = graph.nodes.flatMap((node) =>
    Object.values(node.attrs).flatMap((attr) => (attr.kind === 'graph' ? [attr.value] : [])),
  )
  return [graph, ...inner.flatMap(allGraphs)]
}

function allNames(graph: Graph): string[] {
  return allGraphs(graph).flatMap(({ inputs, initializers, nodes }) => [
    ...inputs.map((input) => input.name),
    ...Object.keys(initializers),
    ...nodes.flatMap((node) => [node.name, ...node.outputs]),
  ])
}

function isAllFloat32(graph: Graph): boolean {
  return allGraphs(graph).every(
    ({ inputs, initializers, nodes }) =>
      !inputs.some((input) => isOther(input.dtype)) &&
      !Object.values(initializers).some((tensor) => isOther(tensor.dtype)) &&
      // A cast may make another float type; which one is not worth finding out.
      !nodes.some((node) => node.op === 'Cast' && ![1, 6, 7, 9].includes(castTarget(node))),
  )
}

function isOther(dtype: DType): boolean {
  return isFloating(dtype) && dtype !== 'float32'
}

function castTarget(node: Node): number {
  const to = node.attrs['to']
  return to?.kind === 'int' ? to.value : 0
}
