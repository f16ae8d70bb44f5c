import { backward } from '../autodiff/grad.js'
import { GauntletError } from '../errors.js'
import { GraphBuilder } from '../graph/builder.js'
import type { Dim, Graph, Value } from '../graph/ir.js'
import type { Forms } from '../graph/lower/forms.js'
import { absorbAffine } from '../graph/passes/absorb-affine.js'
import { commuteSpreads } from '../graph/passes/commute-spreads.js'
import { copyBatch } from '../graph/passes/copy-batch.js'
import { denseConvs } from '../graph/passes/dense-convs.js'
import { lowerGelu, recogniseActivations } from '../graph/passes/activations.js'
import { dropUnusedDomains } from '../graph/passes/domains.js'
import { lowerSpreads } from '../graph/passes/lower-spreads.js'
import { mergeSpreads } from '../graph/passes/merge-spreads.js'
import type { ShapedGraph } from '../graph/passes/readers.js'
import { batchSymbol } from '../graph/passes/rebatch.js'
import type { ValueInfos } from '../graph/shapes.js'
import { verify } from '../graph/verify.js'
import type { FusedNorm } from '../threat/threat-model.js'
import { losses, normaliseSeed, type LossName } from './losses.js'
import { stateInputs, stateNames, steepest, updateBuilder, type UpdateRule } from './update-rule.js'
import { updates } from './update.js'
import { withinClasses } from './within-classes.js'

/** A classifier ready to be differentiated: opset 18 forms, all shapes probed. */
export interface Differentiable {
  readonly graph: Graph
  readonly infos: ValueInfos
  /** The attacked input and the logits (N, K), by name. */
  readonly input: string
  readonly logits: string
  readonly classes: number
  readonly sampleShape: readonly number[]
  /** Fixed when the network cannot be re-batched. */
  readonly batch: number | null
  /** Only of a network of reduced precision: its forward pass must keep its bits, and is differentiated in these forms. */
  readonly forms?: Forms | undefined
}

export interface Compiled {
  readonly graph: Graph
  /** Operators whose derivative is a surrogate, one phrase each. */
  readonly approximations: readonly string[]
}

export interface GradientOptions {
  readonly loss: LossName
  readonly targeted: boolean
}

/**
 * The network with its backward pass as one ONNX graph.
 * Inputs: the network's input, `labels` int64 (N), for a targeted loss `targets` int64 (N).
 * Outputs: `logits` (N, K), `loss` (N), `gradient` (as the input): d loss[i] / d input[i].
 */
export function compileGradient(model: Differentiable, options: GradientOptions): Compiled {
  return gradientOnly(model, options, null)
}

/**
 * As `compileGradient`, but each sample's gradient is multiplied by a positive factor of its own, which makes the greatest
 * derivative of the loss by a logit 1: of a confident network, nothing underflows. Of `margin` and `difference` the factor
 * is 1.
 */
export function compileDirection(model: Differentiable, options: GradientOptions): Compiled {
  return gradientOnly(model, options, 1)
}

function gradientOnly(
  model: Differentiable,
  options: GradientOptions,
  scale: number | null,
): Compiled {
  const { g, loss, gradient, approximations, inputs } = differentiate(model, options, scale)
  const batch = model.batch ?? batchSymbol
  const graph = finish(model, g, inputs, [
    output(g, model.logits, 'logits', [batch, model.classes]),
    output(g, loss, 'loss', [batch]),
    output(g, gradient, 'gradient', [batch, ...model.sampleShape]),
  ])
  return { graph, approximations }
}

export interface StepOptions extends GradientOptions {
  readonly norm: FusedNorm
  readonly bounds: readonly [number, number]
  /** Whether `step_size` is one of each value, (1, ...sample): L∞ only. Default: a scalar. */
  readonly perValue?: boolean | undefined
  /** Default: the steepest step in the norm. */
  readonly rule?: UpdateRule | undefined
}

/**
 * One attack step as one graph: forward, loss, backward, update, projection.
 * Inputs: the network's input (xAdv), `labels`, `targets` if targeted, what the norm's update asks for
 * (`lower`, `upper`, `step_size` for L∞; `x`, `step_size`, `epsilon` else), and the rule's state.
 * Outputs: `x_next`, of the point it started from `logits` and `loss`, and the next state.
 */
export function compileStep(model: Differentiable, options: StepOptions): Compiled {
  const { norm, bounds, perValue, rule = steepest } = options
  const update = updates[norm]
  const scale = rule === steepest ? update.gradientScale : 1
  const { g, loss, gradient, approximations, inputs } = differentiate(model, options, scale)
  const batch = model.batch ?? batchSymbol
  const { input: xAdv, sampleShape } = model
  const updateInputs = { g, xAdv, sampleShape, bounds, batch, perValue }
  const { state } = rule
  const next = rule.build(updateBuilder(update, updateInputs, { gradient, scale, state }))
  const graph = finish(
    model,
    g,
    [...inputs, ...update.inputs(updateInputs), ...stateInputs(rule, updateInputs)],
    [
      output(g, next.next, 'x_next'),
      output(g, model.logits, 'logits'),
      output(g, loss, 'loss'),
      ...Object.keys(state).map((key) => output(g, next.state[key]!, stateNames(key).output)),
    ],
  )
  return { graph, approximations }
}

/** What is done to a network before it is differentiated, and to the whole afterwards, in this order. */
const passesBefore = [absorbAffine, recogniseActivations, copyBatch]
const passesAfter = [commuteSpreads, mergeSpreads, lowerSpreads, denseConvs, lowerGelu]
/** Those that leave the bits of the forward pass as they are. */
const exactPasses = new Set<unknown>([copyBatch, mergeSpreads, lowerSpreads])
const keepsBits = (model: Pick<Differentiable, 'forms'>, pass: unknown): boolean =>
  model.forms === undefined || exactPasses.has(pass)

/** The network in the form that is differentiated, verified after every pass. */
export function readied(model: Pick<Differentiable, 'graph' | 'infos' | 'forms'>): Graph {
  return passesBefore
    .filter((pass) => keepsBits(model, pass))
    .reduce((graph, pass) => verify(pass(graph, model.infos)), model.graph)
}

/**
 * The graph in the form that runs fastest, verified after every pass.
 * @param more - passes after those that every graph goes through
 */
export function finish(
  model: Pick<Differentiable, 'forms'>,
  g: GraphBuilder,
  inputs: readonly Value[],
  outputs: readonly Value[],
  more: readonly ((whole: ShapedGraph) => ShapedGraph)[] = [],
): Graph {
  let whole: ShapedGraph = { graph: verify(g.finish(inputs, outputs)), infos: g.infos }
  for (const pass of [...passesAfter, ...more].filter((one) => keepsBits(model, one))) {
    whole = pass(whole)
    verify(whole.graph)
  }
  return dropUnusedDomains(whole.graph)
}

/** @param scale - greatest entry of each sample's gradient of the logits; null leaves it as it is */
function differentiate(
  model: Differentiable,
  options: GradientOptions,
  scale: number | null,
): {
  g: GraphBuilder
  loss: string
  gradient: string
  approximations: readonly string[]
  inputs: Value[]
} {
  const definition = losses[options.loss]
  const least = definition.leastClasses[options.targeted ? 1 : 0]
  if (least === null)
    throw new GauntletError('GNT_ATTACK_NEEDS', {
      what: `the ${options.loss} loss needs a target class`,
      fix: 'give it one, or use the margin loss',
    })
  if (model.classes < least)
    throw new GauntletError('GNT_ATTACK_NEEDS', {
      what: `the ${options.loss} loss needs at least ${least} classes`,
      got: `${model.classes} classes`,
      fix: 'use an attack with the loss margin or ce: apgd-ce, pgd --loss margin',
    })
  const network = readied(model)
  const g = new GraphBuilder(network, model.infos)
  const { dtype } = g.info(model.logits)
  // The labels of an attack are checked; whoever runs an exported gradient may feed anything.
  const build = scale === null ? withinClasses(definition.build) : definition.build
  const built = build({
    g,
    logits: model.logits,
    dtype,
    classes: model.classes,
    labels: 'labels',
    targets: options.targeted ? 'targets' : null,
  })
  const seed = scale === null ? built.dLogits : normaliseSeed(g, built, dtype, scale)
  const { gradients, approximations } = backward(g, {
    nodes: network.nodes,
    seeds: new Map([[model.logits, seed]]),
    wrt: [model.input],
    forms: model.forms,
  })
  const batch = model.batch ?? batchSymbol
  const int64 = (name: string): Value => ({ name, dtype: 'int64', dims: [batch] })
  return {
    g,
    loss: built.loss,
    gradient: gradients.get(model.input)!,
    approximations,
    inputs: [
      // Besides the attacked input, weights that are fed (`freeDifferentiable`).
      ...model.graph.inputs,
      int64('labels'),
      ...(options.targeted ? [int64('targets')] : []),
    ],
  }
}

/** Gives a computed value its public name, and its shape where readers outside want to know it. */
export function output(
  g: GraphBuilder,
  value: string,
  name: string,
  dims: readonly Dim[] | null = null,
): Value {
  const named = value === name ? name : g.emit('Identity', [value], {}, { name })
  return { name: named, dtype: 'float32', dims }
}
