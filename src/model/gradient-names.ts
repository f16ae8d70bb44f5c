import { GauntletError } from '../errors.js'
import type { Graph, Value } from '../graph/ir.js'
import { renameValues } from '../graph/passes/rename.js'
import { isFloating } from '../graph/tensor.js'
import { gradientNames, type LossTerm } from '../step/gradient.js'
import { objectiveNames, objectives } from '../step/objectives/index.js'
import { didYouMean } from '../util/did-you-mean.js'

/** What a gradient is asked of, by names of the model. */
interface Asked {
  readonly wrt: readonly string[]
  readonly losses: readonly LossTerm[]
}

/** @throws GNT_USAGE for what the model does not have, and what has no gradient */
export function checkNames(graph: Graph, { wrt, losses }: Asked): void {
  if (!isList(wrt) || !isList(losses))
    refuse('wrt and losses are lists', `${typeof wrt} and ${typeof losses}`)
  if (wrt.length === 0) refuse('nothing to differentiate with respect to', 'no names')
  if (losses.length === 0) refuse('no loss', 'no outputs')
  const sources = new Map<string, Value['dtype']>([
    ...graph.inputs.map(({ name, dtype }) => [name, dtype] as const),
    ...Object.entries(graph.initializers).map(([name, { dtype }]) => [name, dtype] as const),
  ])
  for (const name of wrt) {
    const dtype = sources.get(name)
    if (dtype === undefined) unknown(name, 'input or initializer', [...sources.keys()])
    else if (!isFloating(dtype)) refuse(`${name} cannot be differentiated`, `${dtype} values`)
  }
  for (const { loss, weight = 1 } of losses) {
    if (!Object.hasOwn(objectives, loss)) unknown(loss, 'loss', objectiveNames)
    if (!Number.isFinite(weight)) refuse('the weight of a term is no number', String(weight))
  }
  const computed = graph.nodes.flatMap((node) => node.outputs.filter((name) => name !== ''))
  for (const { output } of losses)
    if (!computed.includes(output))
      unknown(output, 'output', [...new Set([...outputNames(graph), ...computed])])
  const keys = losses.map((term) => gradientNames.key(term, losses))
  const twice = keys.find((key, index) => keys.indexOf(key) !== index)
  if (twice !== undefined) refuse('two terms with the same output and loss', twice)
  const added = keys.flatMap((key, index) => [
    gradientNames.fed(objectives[losses[index]!.loss], key),
    gradientNames.loss(key),
  ])
  const own = new Set([
    gradientNames.total,
    ...added,
    ...wrt.map(gradientNames.gradient),
    ...losses.map(({ output }) => output),
    ...[...sources.keys(), ...computed].map(gradientNames.inside),
  ])
  const clash = keptNames(graph, { wrt }).find((name) => own.has(name))
  if (clash !== undefined) refuse('the model uses a name that the gradient needs', clash)
}

const outputNames = ({ outputs }: Graph): string[] => outputs.map(({ name }) => name)

/** Names that stay what they are in the file while the graph is worked on. */
const keptNames = (graph: Graph, { wrt }: Pick<Asked, 'wrt'>): string[] => [
  ...graph.inputs.map(({ name }) => name),
  ...wrt,
]

/** The tensors that losses are over as outputs, and all names out of the way of those that are added. */
export function withInnerNames(graph: Graph, options: Asked): Graph {
  const kept = new Set(keptNames(graph, options))
  const { inside } = gradientNames
  const renamed = renameValues(graph, (name) => (kept.has(name) ? name : inside(name)))
  const outputs = [...new Set(options.losses.map(({ output }) => inside(output)))]
  return {
    ...renamed,
    outputs: outputs.map((name) => ({ name, dtype: 'float32', dims: null })),
  }
}

/** Callers of the library may come without types. */
const isList = (value: unknown): boolean => Array.isArray(value)

function unknown(name: string, kind: string, known: readonly string[]): never {
  const meant = didYouMean(name, known)
  throw new GauntletError('GNT_USAGE', {
    what: kind === 'loss' ? `no loss is called ${name}` : `the model has no ${kind} ${name}`,
    got: known.slice(0, 8).join(', ') + (known.length > 8 ? `, … (${known.length})` : ''),
    fix: meant === undefined ? undefined : `did you mean ${meant}?`,
  })
}

function refuse(what: string, got: string): never {
  throw new GauntletError('GNT_USAGE', { what, got })
}
