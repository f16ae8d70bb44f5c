import { backward } from '../autodiff/grad.js'
import { GauntletError } from '../errors.js'
import { GraphBuilder } from '../graph/builder.js'
import type { Value } from '../graph/ir.js'
import { freeParameters, parameterOf } from '../graph/passes/parameters.js'
import { batchSymbol } from '../graph/passes/rebatch.js'
import { verify } from '../graph/verify.js'
import { output, type Compiled, type Differentiable } from './compile.js'
import { losses } from './losses.js'

/** Stochastic gradient descent; the learning rate is an input of each step. */
export interface Sgd {
  readonly kind: 'sgd'
  /** Share of the last update that goes on, 0 (plain descent) to below 1. */
  readonly momentum: number
  /** L2 penalty: its gradient, `weightDecay` times the parameter, is added. Default 0. */
  readonly weightDecay?: number | undefined
}

export interface TrainingOptions {
  readonly loss: 'ce'
  /** Initializers to train; everything else stays a constant. */
  readonly parameters: readonly string[]
  readonly optimizer: Sgd
}

/** Names of a training graph's inputs and outputs that belong to one parameter. */
export const trainingNames = {
  momentum: (parameter: string): string => `momentum/${parameter}`,
  next: (parameter: string): string => `next/${parameter}`,
  nextMomentum: (parameter: string): string => `next/momentum/${parameter}`,
}

/**
 * One training step as one ONNX graph: forward, loss, backward, update. With ℓ the mean cross-entropy of
 * the batch, w a parameter, v its momentum buffer, η the learning rate:
 *
 *     g = ∂ℓ/∂w + λ·w        v' = μ·v + g        w' = w − η·v'
 *
 * Inputs: the model's input, `labels` int64 (N), `learning_rate` float32 (), and of each parameter its value
 * (under its own name) and its buffer (`momentum/NAME`, zeros at first). Outputs: `loss` (), `logits` (N, K), both
 * of the weights before the update, and of each parameter `next/NAME` and `next/momentum/NAME`.
 * Source: torch.optim.SGD (PyTorch documentation), with dampening 0 and without Nesterov's term.
 *
 * @throws GNT_MODEL_UNSUPPORTED for a parameter that is no float32 constant; GNT_GRAD_NO_RULE; GNT_GRAD_CUT for a
 *   parameter that the loss does not depend on
 */
export function compileTraining(model: Differentiable, options: TrainingOptions): Compiled {
  const { parameters, optimizer } = options
  checkOptions(options)
  const free = freeDifferentiable(model, parameters)
  const g = new GraphBuilder(free.graph, free.infos)
  const { dtype } = g.info(model.logits)
  const built = losses[options.loss].build({
    g,
    logits: model.logits,
    dtype,
    classes: model.classes,
    labels: 'labels',
    targets: null,
  })
  const count = g.emit('Cast', [g.emit('Shape', ['labels'])], { to: 1 })
  const { gradients, approximations } = backward(g, {
    nodes: free.graph.nodes,
    seeds: new Map([[model.logits, g.emit('Div', [built.dLogits, count])]]),
    wrt: parameters,
    forms: model.forms,
  })
  const mean = g.emit('ReduceMean', [built.loss], { keepdims: 0 })
  const updated = parameters.flatMap((name): Value[] => {
    const penalty = optimizer.weightDecay
      ? g.emit('Mul', [name, g.scalar(optimizer.weightDecay)])
      : null
    const gradient = gradients.get(name) ?? ''
    const descent = penalty ? g.emit('Add', [gradient, penalty]) : gradient
    const kept = g.emit('Mul', [trainingNames.momentum(name), g.scalar(optimizer.momentum)])
    const velocity = g.emit('Add', [kept, descent])
    const next = g.emit('Sub', [name, g.emit('Mul', [velocity, 'learning_rate'])])
    return [
      output(g, next, trainingNames.next(name)),
      output(g, velocity, trainingNames.nextMomentum(name)),
    ]
  })
  const graph = g.finish(
    [
      ...free.graph.inputs,
      { name: 'labels', dtype: 'int64', dims: [model.batch ?? batchSymbol] },
      { name: 'learning_rate', dtype: 'float32', dims: [] },
      ...parameters.map((name): Value => {
        const { dims } = parameterOf(model.graph, name)
        return { name: trainingNames.momentum(name), dtype: 'float32', dims }
      }),
    ],
    [output(g, mean, 'loss'), output(g, model.logits, 'logits'), ...updated],
  )
  verify(graph)
  return { graph, approximations }
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

function checkOptions({ parameters, optimizer }: TrainingOptions): void {
  if (parameters.length === 0) refuse('nothing to train', 'no parameters', 'at least one')
  if (new Set(parameters).size < parameters.length)
    refuse('a parameter is named twice', parameters.join(', '), 'each once')
  const { momentum, weightDecay = 0 } = optimizer
  if (!(momentum >= 0 && momentum < 1)) refuse('wrong momentum', String(momentum), '0 to below 1')
  if (!(weightDecay >= 0 && Number.isFinite(weightDecay)))
    refuse('wrong weight decay', String(weightDecay), '0 or a positive number')
}

function refuse(what: string, got: string, expected: string): never {
  throw new GauntletError('GNT_USAGE', { what, got, expected })
}
