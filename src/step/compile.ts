import { backward } from '../autodiff/grad.js'
import { GauntletError } from '../errors.js'
import { GraphBuilder } from '../graph/builder.js'
import type { Graph, Value } from '../graph/ir.js'
import { batchSymbol } from '../graph/passes/rebatch.js'
import type { ValueInfos } from '../graph/shapes.js'
import { verify } from '../graph/verify.js'
import type { Norm } from '../threat/threat-model.js'
import { losses, normaliseSeed, type LossName } from './losses.js'
import { updates } from './update.js'

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
  const { g, loss, gradient, approximations, inputs } = differentiate(model, options, false)
  const graph = g.finish(inputs, [
    output(g, model.logits, 'logits'),
    output(g, loss, 'loss'),
    output(g, gradient, 'gradient'),
  ])
  verify(graph)
  return { graph, approximations }
}

export interface StepOptions extends GradientOptions {
  readonly norm: Norm
  readonly bounds: readonly [number, number]
}

/**
 * One attack step as one graph: forward, loss, backward, update, projection.
 * Inputs: the network's input (xAdv), `labels`, `targets` if targeted, and what the norm's update asks for
 * (`lower`, `upper`, `step_size` for L∞; `x`, `step_size`, `epsilon` else).
 * Outputs: `x_next`, and of the point it started from `logits` and `loss`.
 */
export function compileStep(model: Differentiable, options: StepOptions): Compiled {
  const { g, loss, gradient, approximations, inputs } = differentiate(model, options, true)
  const update = updates[options.norm]
  const updateInputs = {
    g,
    xAdv: model.input,
    gradient,
    sampleShape: model.sampleShape,
    bounds: options.bounds,
    batch: model.batch ?? batchSymbol,
  }
  const next = update.build(updateInputs)
  const graph = g.finish(
    [...inputs, ...update.inputs(updateInputs)],
    [output(g, next, 'x_next'), output(g, model.logits, 'logits'), output(g, loss, 'loss')],
  )
  verify(graph)
  return { graph, approximations }
}

function differentiate(
  model: Differentiable,
  options: GradientOptions,
  normalise: boolean,
): {
  g: GraphBuilder
  loss: string
  gradient: string
  approximations: readonly string[]
  inputs: Value[]
} {
  const definition = losses[options.loss]
  const least = definition.leastClasses[options.targeted ? 1 : 0]
  if (model.classes < least)
    throw new GauntletError('GNT_ATTACK_NEEDS', {
      what: `the ${options.loss} loss needs at least ${least} classes`,
      got: `${model.classes} classes`,
      fix: 'use --loss margin or --loss ce',
    })
  const g = new GraphBuilder(model.graph, model.infos)
  const { dtype } = g.info(model.logits)
  const built = definition.build({
    g,
    logits: model.logits,
    dtype,
    classes: model.classes,
    labels: 'labels',
    targets: options.targeted ? 'targets' : null,
  })
  const seed = normalise ? normaliseSeed(g, built.dLogits, dtype) : built.dLogits
  const { gradients, approximations } = backward(g, {
    nodes: model.graph.nodes,
    seeds: new Map([[model.logits, seed]]),
    wrt: [model.input],
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

/** Gives a computed value its public name. */
export function output(g: GraphBuilder, value: string, name: string): Value {
  if (value === name) return { name, dtype: 'float32', dims: null }
  return { name: g.emit('Identity', [value], {}, { name }), dtype: 'float32', dims: null }
}
