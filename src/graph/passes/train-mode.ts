import { GraphBuilder } from '../builder.js'
import type { Graph, Node, Value } from '../ir.js'
import type { Shape, ValueInfos } from '../shapes.js'
import { elementCount } from '../tensor.js'
import { batchSymbol } from './rebatch.js'

export interface TrainModeOptions {
  /** Whether an input of the graph is a weight in training. */
  readonly isTrained: (name: string) => boolean
  /** Share of values that is dropped, by the name of the value that a Dropout makes. */
  readonly dropouts: ReadonlyMap<string, number>
}

/** A fed tensor that is 0 where a value is dropped and 1 / (1 − ratio) elsewhere. */
export interface DropoutMask {
  readonly input: string
  readonly shape: Shape
  readonly ratio: number
}

/** A BatchNormalization that reads the statistics of its batch, by the values around it. */
export interface TrainedNorm {
  readonly node: Node
  readonly epsilon: number
  /** Of the batch, (1, C, 1, …), and (C). */
  readonly mean: string
  readonly variance: string
  /** X − mean. */
  readonly centred: string
}

export interface TrainMode {
  readonly graph: Graph
  readonly infos: ValueInfos
  /** BatchNormalization nodes that now read the statistics of their batch, by name. */
  readonly normalised: ReadonlyMap<string, TrainedNorm>
  /** Each running statistic, an input of the graph, and the value it has after the step. */
  readonly running: ReadonlyMap<string, string>
  readonly masks: readonly DropoutMask[]
}

/**
 * An inference graph as it is trained. A BatchNormalization whose scale or bias is trained reads mean and (biased)
 * variance of its batch; its running statistics go on by its `momentum` m (ONNX's: the share that stays, 0.9 for
 * PyTorch's 0.1): r' = m·r + (1 − m)·s, s being the mean, or the unbiased variance. One whose own parameters rest keeps
 * its statistics. A Dropout multiplies with a mask that is fed.
 *
 * Weights in training, and running statistics, are inputs of the graph.
 * Source: Ioffe & Szegedy 2015, arXiv:1502.03167, algorithms 1 and 2; torch.nn.BatchNorm2d.
 */
export function trainMode(graph: Graph, infos: ValueInfos, options: TrainModeOptions): TrainMode {
  const g = new GraphBuilder(graph, infos)
  const running = new Map<string, string>()
  const normalised = new Map<string, TrainedNorm>()
  for (const node of trainedNorms(graph, options.isTrained)) {
    const { norm, next } = normalise(g, node)
    normalised.set(node.name, norm)
    for (const [name, value] of next) running.set(name, value)
  }
  const masks = graph.nodes.flatMap((node) => {
    const ratio = options.dropouts.get(node.outputs[0] ?? '')
    return ratio === undefined || ratio === 0 ? [] : [drop(g, node, ratio)]
  })
  const outputs = [
    ...graph.outputs,
    ...[...running.values()].map((name): Value => ({ name, dtype: 'float32', dims: null })),
  ]
  const inputs = [...graph.inputs, ...masks.map(maskInput)]
  return { graph: g.finish(inputs, outputs), infos: g.infos, normalised, running, masks }
}

/** BatchNormalization nodes with a trained scale or bias; the others keep their statistics. */
export function trainedNorms(graph: Graph, isTrained: (name: string) => boolean): readonly Node[] {
  return graph.nodes.filter(
    ({ op, domain, inputs }) =>
      op === 'BatchNormalization' && domain === '' && inputs.slice(1, 3).some(isTrained),
  )
}

/** Rewires the node to the statistics of its batch. @returns running statistics and what they become as well */
function normalise(
  g: GraphBuilder,
  node: Node,
): { norm: TrainedNorm; next: readonly (readonly [string, string])[] } {
  const [x = '', scale = '', bias = '', oldMean = '', oldVariance = ''] = node.inputs
  const { dtype, shape } = g.info(x)
  const channels = g.info(scale).shape
  const axes = shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]))
  const know = (name: string, of: Shape): string => g.know(name, { dtype, shape: of })
  const wide = shape.map((size, axis) => (axis === 1 ? size : 1))
  const kept = g.emit('ReduceMean', [x, g.ints(axes)], { keepdims: 1 })
  const centred = know(g.emit('Sub', [x, know(kept, wide)]), shape)
  const square = know(g.emit('Mul', [centred, centred]), shape)
  const variance = know(g.emit('ReduceMean', [square, g.ints(axes)], { keepdims: 0 }), channels)
  const mean = know(g.emit('Reshape', [kept, g.ints([-1])]), channels)
  g.rewire(node, [x, scale, bias, mean, variance])
  const stays = numberOf(node, 'momentum', 0.9)
  const epsilon = numberOf(node, 'epsilon', 1e-5)
  const goOn = (old: string, now: string): string =>
    g.emit('Add', [
      g.emit('Mul', [old, g.scalar(stays, dtype)]),
      g.emit('Mul', [now, g.scalar(1 - stays, dtype)]),
    ])
  const unbiased = g.emit('Mul', [variance, bessel(g, x, scale)])
  return {
    norm: { node, epsilon, mean: kept, variance, centred },
    next: [
      [oldMean, goOn(oldMean, mean)],
      [oldVariance, goOn(oldVariance, unbiased)],
    ],
  }
}

function numberOf({ attrs }: Node, name: string, otherwise: number): number {
  const attr = attrs[name]
  return attr?.kind === 'float' || attr?.kind === 'int' ? attr.value : otherwise
}

/** M / (M − 1) for the M values of each channel. */
function bessel(g: GraphBuilder, x: string, scale: string): string {
  const size = (of: string): string => g.emit('CastLike', [g.emit('Size', [of]), scale])
  const count = g.emit('Div', [size(x), size(scale)])
  return g.emit('Div', [count, g.emit('Sub', [count, g.scalar(1, g.info(scale).dtype)])])
}

function drop(g: GraphBuilder, node: Node, ratio: number): DropoutMask {
  const [x = ''] = node.inputs
  const [y = ''] = node.outputs
  const info = g.info(x)
  const input = g.know(g.fresh(`mask/${node.name}`), info)
  g.replace(y, g.know(g.emit('Mul', [x, input]), info))
  return { input, shape: info.shape, ratio }
}

/** An axis that follows the batch is named as the batch is, or `4N`. */
function maskInput({ input, shape }: DropoutMask): Value {
  const dims = shape.map((size) => {
    if (typeof size === 'number') return size
    return size.perBatch === 1 ? batchSymbol : `${size.perBatch}${batchSymbol}`
  })
  return { name: input, dtype: 'float32', dims }
}

/** Values of a mask for a batch of n. @param uniform - draws from [0, 1) */
export function drawMask(
  { shape, ratio }: DropoutMask,
  n: number,
  fill: (out: Float32Array) => void,
): { dims: number[]; data: Float32Array } {
  const dims = shape.map((size) => (typeof size === 'number' ? size : size.perBatch * n))
  const data = new Float32Array(elementCount(dims))
  fill(data)
  const kept = 1 / (1 - ratio)
  for (let i = 0; i < data.length; i++) data[i] = data[i]! < ratio ? 0 : kept
  return { dims, data }
}
