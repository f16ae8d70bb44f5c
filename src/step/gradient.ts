import { backward } from '../autodiff/grad.js'
import { GauntletError } from '../errors.js'
import { GraphBuilder } from '../graph/builder.js'
import type { Dim, DType, Graph, Tensor, Value } from '../graph/ir.js'
import type { Forms } from '../graph/lower/forms.js'
import { dropUnusedDomains } from '../graph/passes/domains.js'
import { batchSymbol } from '../graph/passes/rebatch.js'
import { formatShape, isFixed, type Shape, type ValueInfos } from '../graph/shapes.js'
import { isFloating } from '../graph/tensor.js'
import { verify } from '../graph/verify.js'
import { finish, readied } from './compile.js'
import { objectives, type ObjectiveName } from './objectives/index.js'
import type { Objective } from './objectives/objective.js'

/** One term of the loss. */
export interface LossTerm {
  /** The tensor that the loss is over. */
  readonly output: string
  readonly loss: ObjectiveName
  /** The term's factor. Default 1; below 0 the loss falls where the gradient points. */
  readonly weight?: number | undefined
}

/** A graph of any kind, its shapes known. */
export interface Network {
  /** Opset 18 forms. What is differentiated lies among the inputs, be it an initializer of the file or not. */
  readonly graph: Graph
  readonly infos: ValueInfos
  /** Initializers of the file that were made inputs, and become constants again. */
  readonly weights: Readonly<Record<string, Tensor>>
  readonly forms?: Forms | undefined
}

export interface GradientGraph {
  readonly graph: Graph
  readonly approximations: readonly string[]
}

export interface GradientGraphOptions {
  readonly wrt: readonly string[]
  readonly losses: readonly LossTerm[]
  readonly dtype: 'float32' | 'float64'
}

/** Names of what a gradient graph adds to those of the model. */
export const gradientNames = {
  /** What values of the model are called within; inputs and what is differentiated keep their names. */
  inside: (value: string): string => `m/${value}`,
  fed: ({ feedName }: Objective, key: string): string => `${feedName}/${key}`,
  loss: (key: string): string => `loss/${key}`,
  total: 'loss',
  gradient: (value: string): string => `grad/${value}`,
  /** What a term is called: by its output, and by its loss too where several are over one output. */
  key: (term: LossTerm, terms: readonly LossTerm[]): string =>
    terms.filter(({ output }) => output === term.output).length === 1
      ? term.output
      : `${term.output}/${term.loss}`,
}

/**
 * The network with its backward pass as one graph. With L = Σ weight · Σ (terms of the loss), gradients are dL/d(value).
 * Inputs: the network's, and of each term what its loss is fed. Outputs: the outputs that a loss is over, `loss` (),
 * `loss/<term>` (N), one sum without its weight for each entry of the output's first axis, and `grad/<value>`.
 *
 * @throws GNT_GRAD_NO_RULE; GNT_GRAD_CUT for a value that no term depends on; GNT_ATTACK_NEEDS
 */
export function gradientGraph(network: Network, options: GradientGraphOptions): GradientGraph {
  const { wrt, losses, dtype } = options
  const isFast = dtype === 'float32'
  const ready = isFast ? readied(network) : network.graph
  const fixed = {
    ...ready,
    inputs: ready.inputs.filter(({ name }) => !(name in network.weights)),
    initializers: { ...ready.initializers, ...network.weights },
  }
  const { graph, read, infos } = converted(fixed, network.infos, losses, dtype)
  const g = new GraphBuilder(graph, infos)
  const feeds: Value[] = []
  const terms = losses.map((term) =>
    buildTerm(g, read(gradientNames.inside(term.output)), term, { losses, dtype, feeds }),
  )
  const { gradients, approximations } = backward(g, {
    nodes: graph.nodes,
    seeds: sumSeeds(g, terms),
    wrt,
    forms: network.forms,
  })
  const outputs = [
    ...[...new Set(losses.map(({ output }) => output))].map((name) => shown(g, name)),
    total(g, terms, dtype),
    ...terms.map(({ loss }) => loss),
    ...wrt.map((name) => gradientOutput(g, gradients.get(name)!, name)),
  ]
  const inputs = [...graph.inputs, ...feeds]
  const whole = isFast
    ? finish(network, g, inputs, outputs)
    : dropUnusedDomains(verify(g.finish(inputs, outputs)))
  return { graph: whole, approximations }
}

/** Outputs of another precision are converted before a loss reads them. */
function converted(
  graph: Graph,
  infos: ValueInfos,
  losses: readonly LossTerm[],
  dtype: DType,
): { graph: Graph; infos: ValueInfos; read: (output: string) => string } {
  const g = new GraphBuilder(graph, infos)
  const casts = new Map<string, string>()
  for (const term of losses) {
    const output = gradientNames.inside(term.output)
    const info = g.info(output)
    if (info.dtype === dtype || casts.has(output)) continue
    if (!isFloating(info.dtype))
      throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
        what: 'a loss needs floating-point numbers',
        where: `output ${term.output}`,
        got: info.dtype,
        fix: 'name another output',
      })
    const cast = g.emit('Cast', [output], { to: dtype === 'float64' ? 11 : 1 })
    casts.set(output, g.know(cast, { ...info, dtype }))
  }
  const read = (output: string): string => casts.get(output) ?? output
  const added = [...casts.values()].map((name): Value => ({ name, dtype, dims: null }))
  const whole = added.length === 0 ? graph : g.finish(graph.inputs, [...graph.outputs, ...added])
  return { graph: whole, infos: g.infos, read }
}

interface Term {
  readonly value: string
  readonly seed: string
  readonly weighted: string
  readonly loss: Value
}

function buildTerm(
  g: GraphBuilder,
  value: string,
  term: LossTerm,
  { losses, dtype, feeds }: { losses: readonly LossTerm[]; dtype: DType; feeds: Value[] },
): Term {
  const objective: Objective = objectives[term.loss]
  const { shape } = g.info(value)
  checkShape(term, shape, objective)
  const key = gradientNames.key(term, losses)
  const fed = objective.feeds === null ? '' : gradientNames.fed(objective, key)
  if (objective.feeds === 'values') feeds.push({ name: fed, dtype, dims: dimsOf(shape) })
  if (objective.feeds === 'classes') {
    const positions = [shape[0]!, ...shape.slice(2)]
    feeds.push({ name: fed, dtype: 'int64', dims: dimsOf(positions) })
  }
  const built = objective.build({ g, dtype, output: value, shape, fed })
  const rest = Array.from({ length: Math.max(0, built.rank - 1) }, (_, k) => k + 1)
  const perRow =
    rest.length === 0
      ? built.terms
      : g.emit('ReduceSum', [built.terms, g.ints(rest)], { keepdims: 0 })
  const whole = built.rank === 0 ? perRow : g.emit('ReduceSum', [perRow], { keepdims: 0 })
  const scale = (of: string): string =>
    (term.weight ?? 1) === 1 ? of : g.emit('Mul', [of, g.scalar(term.weight!, dtype)])
  return {
    value,
    seed: scale(built.dOutput),
    weighted: scale(whole),
    loss: named(g, perRow, gradientNames.loss(key), dtype, dimsOf(shape.slice(0, 1))),
  }
}

function checkShape({ output, loss }: LossTerm, shape: Shape, { leastClasses }: Objective): void {
  if (leastClasses === undefined) return
  const classes = shape[1]
  if (classes !== undefined && isFixed(classes) && classes >= leastClasses) return
  throw new GauntletError('GNT_ATTACK_NEEDS', {
    what: `the ${loss} loss is over scores of at least ${leastClasses} classes along axis 1`,
    where: `output ${output}`,
    got: `shape ${formatShape(shape)}`,
    fix: 'use the loss mse, bce-logits, sum or vjp, or name another output',
  })
}

/** Terms over one output add up. */
function sumSeeds(g: GraphBuilder, terms: readonly Term[]): Map<string, string> {
  const seeds = new Map<string, string>()
  for (const { value, seed } of terms) {
    const known = seeds.get(value)
    seeds.set(value, known === undefined ? seed : g.emit('Add', [known, seed]))
  }
  return seeds
}

function shown(g: GraphBuilder, name: string): Value {
  const value = gradientNames.inside(name)
  const { dtype, shape } = g.info(value)
  return named(g, value, name, dtype, dimsOf(shape))
}

function total(g: GraphBuilder, terms: readonly Term[], dtype: DType): Value {
  const whole = terms.map(({ weighted }) => weighted).reduce((a, b) => g.emit('Add', [a, b]))
  return named(g, whole, gradientNames.total, dtype, [])
}

/** With respect to a value of another type than float32 and float64, as `gradientInfo` says. */
function gradientOutput(g: GraphBuilder, gradient: string, name: string): Value {
  const { dtype, shape } = g.info(name)
  const type = dtype === 'float64' ? dtype : 'float32'
  return named(g, gradient, gradientNames.gradient(name), type, dimsOf(shape))
}

function named(
  g: GraphBuilder,
  value: string,
  name: string,
  dtype: DType,
  dims: readonly Dim[],
): Value {
  return { name: g.emit('Identity', [value], {}, { name }), dtype, dims }
}

/** `N` for the batch axis, `4N` for one of four entries for each sample. */
function dimsOf(shape: Shape): Dim[] {
  return shape.map((size) =>
    isFixed(size) ? size : `${size.perBatch === 1 ? '' : size.perBatch}${batchSymbol}`,
  )
}
