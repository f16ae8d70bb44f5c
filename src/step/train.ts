import { rulesOfTraining } from '../autodiff/rules/batch-statistics.js'
import { backward } from '../autodiff/grad.js'
import { GauntletError } from '../errors.js'
import { GraphBuilder } from '../graph/builder.js'
import type { Graph, Node, Value } from '../graph/ir.js'
import { blockedConvs } from '../graph/passes/blocked-convs.js'
import { gemmSums } from '../graph/passes/gemm-sums.js'
import { freeParameters, parameterOf } from '../graph/passes/parameters.js'
import { writeNorm } from '../graph/passes/train-norms.js'
import { nameOutputs } from '../graph/passes/name-outputs.js'
import { batchSymbol } from '../graph/passes/rebatch.js'
import {
  trainedNorms,
  trainMode,
  type DropoutMask,
  type TrainMode,
} from '../graph/passes/train-mode.js'
import { verify } from '../graph/verify.js'
import { finish, output, readied, type Compiled, type Differentiable } from './compile.js'
import { losses } from './losses.js'
import { optimizerOf, type OptimizerSpec } from './optimizers/index.js'
import { checkRange, type Optimizer } from './optimizers/optimizer.js'

export interface TrainingOptions {
  /** Mean over the batch. Default `ce`. */
  readonly loss?: 'ce' | undefined
  /** Initializers to train; everything else stays a constant. */
  readonly parameters: readonly string[]
  readonly optimizer: OptimizerSpec
  /** Greatest Euclidean norm of all gradients together; longer ones are shortened to it. Default: none. */
  readonly clipNorm?: number | undefined
  /** Share of values that a Dropout drops, by the value it makes. Default: it drops none. */
  readonly dropouts?: ReadonlyMap<string, number> | undefined
  /** The step is run on a CPU, with so many channels in a block of convolutions (`convBlock`). Default: anywhere. */
  readonly cpu?: { readonly block: number | undefined } | undefined
}

/** Something that lives from step to step: fed under `input`, and given back under `output`. */
interface TrainingState {
  readonly input: string
  readonly output: string
  /** The constant of the model that it is a value of; null for a buffer of the optimizer, which begins with zeros. */
  readonly initial: string | null
  readonly dims: readonly number[]
}

export interface CompiledTraining extends Compiled {
  readonly states: readonly TrainingState[]
  readonly masks: readonly DropoutMask[]
  /** Inputs of the step's own numbers, scalars each, at a step counted from 1. */
  scalarsAt(step: number): Readonly<Record<string, number>>
  /** A batch needs two rows at least: its statistics are taken over the rows of some value. */
  readonly readsBatch: boolean
}

/** Names of a training graph's inputs and outputs that belong to one parameter. */
const trainingNames = {
  buffer: (key: string, parameter: string): string => `${key}/${parameter}`,
  next: (input: string): string => `next/${input}`,
  scalar: (key: string): string => `optimizer/${key}`,
}

/**
 * One training step as one ONNX graph: forward in training mode (`trainMode`), loss, backward, update of each parameter
 * by the optimizer (`src/step/optimizers`).
 *
 * Inputs: the model's input, `labels` int64 (N), `learning_rate` float32 (), `states` and `masks`, and `scalarsAt`.
 * Outputs: `loss` (), `logits` (N, K), both of the weights before the update, and the next value of each state.
 * Source of clipping: Pascanu et al. 2013, arXiv:1211.5063, algorithm 1; torch.nn.utils.clip_grad_norm_.
 *
 * @throws GNT_MODEL_UNSUPPORTED for a parameter that is no float32 constant; GNT_GRAD_NO_RULE; GNT_GRAD_CUT for a
 *   parameter that the loss does not depend on; GNT_USAGE
 */
export function compileTraining(model: Differentiable, options: TrainingOptions): CompiledTraining {
  const { parameters, loss = 'ce' } = options
  checkOptions(options)
  const optimizer = optimizerOf(options.optimizer)
  const trained = inTraining(model, options)
  const network = readied({ ...trained, forms: model.forms })
  const g = new GraphBuilder(network, trained.infos)
  const { dtype } = g.info(model.logits)
  const built = losses[loss].build({
    g,
    logits: model.logits,
    dtype,
    classes: model.classes,
    labels: 'labels',
    targets: null,
  })
  const count = g.emit('Cast', [g.emit('Shape', ['labels'])], { to: 1 })
  const { gradients, approximations } = backward(g, {
    nodes: nodesOf(network, model.logits),
    seeds: new Map([[model.logits, g.emit('Div', [built.dLogits, count])]]),
    wrt: parameters,
    rules: rulesOfTraining(trained.normalised),
    forms: model.forms,
  })
  for (const norm of trained.normalised.values()) writeNorm(g, norm, options.cpu !== undefined)
  const clipped = clip(
    g,
    parameters.map((name) => gradients.get(name)!),
    options.clipNorm,
  )
  const mean = g.emit('ReduceMean', [built.loss], { keepdims: 0 })
  const states = statesOf(model, parameters, trained, optimizer)
  for (const { input, dims } of states) g.know(input, { dtype: 'float32', shape: dims })
  const updates = parameters.flatMap((name, k) => update(g, name, clipped[k]!, optimizer))
  const running = [...trained.running].map(([name, next]) =>
    output(g, next, trainingNames.next(name)),
  )
  const scalars = optimizer.scalars.map(trainingNames.scalar)
  const feeds = new Set(trained.graph.inputs.map(({ name }) => name))
  const whole = finish(
    model,
    g,
    [
      ...trained.graph.inputs,
      { name: 'labels', dtype: 'int64', dims: [model.batch ?? batchSymbol] },
      ...['learning_rate', ...scalars].map((name): Value => ({ name, dtype: 'float32', dims: [] })),
      ...states.flatMap(({ input, dims }): Value[] =>
        feeds.has(input) ? [] : [{ name: input, dtype: 'float32', dims }],
      ),
    ],
    [output(g, mean, 'loss'), output(g, model.logits, 'logits'), ...updates, ...running],
    [gemmSums, ...(options.cpu?.block === undefined ? [] : [blockedConvs(options.cpu.block)])],
  )
  return {
    graph: verify(nameOutputs(whole)),
    approximations,
    states,
    masks: trained.masks,
    readsBatch: trained.normalised.size > 0,
    scalarsAt: (step) =>
      Object.fromEntries(
        Object.entries(optimizer.scalarsAt(step)).map(([key, value]) => [
          trainingNames.scalar(key),
          value,
        ]),
      ),
  }
}

/** Those that the logits are computed by: running statistics go on beside them. */
function nodesOf(network: Graph, logits: string): readonly Node[] {
  const outputs = network.outputs.filter(({ name }) => name === logits)
  return new GraphBuilder(network).finish(network.inputs, outputs).nodes
}

/** The model in training mode; weights in training, and running statistics, are inputs. */
function inTraining(model: Differentiable, { parameters, dropouts }: TrainingOptions): TrainMode {
  const isTrained = (name: string): boolean => parameters.includes(name)
  const running = trainedNorms(model.graph, isTrained).flatMap(({ inputs }) => inputs.slice(3, 5))
  const free = freeDifferentiable(model, [...parameters, ...new Set(running)])
  return trainMode(free.graph, free.infos, { isTrained, dropouts: dropouts ?? new Map() })
}

function statesOf(
  { graph }: Differentiable,
  parameters: readonly string[],
  { running }: TrainMode,
  { buffers }: Optimizer,
): TrainingState[] {
  const state = (input: string, initial: string | null, like: string): TrainingState => ({
    input,
    output: trainingNames.next(input),
    initial,
    dims: parameterOf(graph, like).dims,
  })
  return [
    ...[...parameters, ...running.keys()].map((name) => state(name, name, name)),
    ...parameters.flatMap((name) =>
      buffers.map((key) => state(trainingNames.buffer(key, name), null, name)),
    ),
  ]
}

function update(
  g: GraphBuilder,
  parameter: string,
  gradient: string,
  optimizer: Optimizer,
): Value[] {
  const { next, buffers } = optimizer.build({
    g,
    parameter,
    gradient,
    rate: 'learning_rate',
    buffer: (key) => trainingNames.buffer(key, parameter),
    scalar: trainingNames.scalar,
  })
  return [
    output(g, next, trainingNames.next(parameter)),
    ...optimizer.buffers.map((key) =>
      output(g, buffers[key]!, trainingNames.next(trainingNames.buffer(key, parameter))),
    ),
  ]
}

/** All gradients times min(1, most / ‖all‖). */
function clip(
  g: GraphBuilder,
  gradients: readonly string[],
  most: number | undefined,
): readonly string[] {
  if (most === undefined) return gradients
  const squares = gradients.map((name) => g.emit('ReduceSumSquare', [name], { keepdims: 0 }))
  const norm = g.emit('Sqrt', [squares.length === 1 ? squares[0]! : g.emit('Sum', squares)])
  const share = g.emit('Div', [g.scalar(most), g.emit('Add', [norm, g.scalar(1e-6)])])
  const factor = g.emit('Min', [share, g.scalar(1)])
  return gradients.map((name) => g.emit('Mul', [name, factor]))
}

/**
 * The model with some of its constants as inputs: a step graph compiled of it is fed the weights with each run, so
 * that it follows a training without being compiled again.
 */
export function freeDifferentiable(
  model: Differentiable,
  parameters: readonly string[],
): Differentiable {
  const infos = new Map(model.infos)
  for (const name of parameters) {
    const { dtype, dims } = parameterOf(model.graph, name)
    infos.set(name, { dtype, shape: dims })
  }
  return { ...model, graph: freeParameters(model.graph, parameters), infos }
}

function checkOptions({ parameters, clipNorm }: TrainingOptions): void {
  if (parameters.length === 0) refuse('nothing to train', 'no parameters', 'at least one')
  if (new Set(parameters).size < parameters.length)
    refuse('a parameter is named twice', parameters.join(', '), 'each once')
  if (clipNorm !== undefined)
    checkRange(
      'wrong greatest norm of gradients',
      clipNorm,
      (norm) => norm > 0,
      'a positive number',
    )
}

function refuse(what: string, got: string, expected: string): never {
  throw new GauntletError('GNT_USAGE', { what, got, expected })
}
