import type { Graph } from '../../src/graph/ir.js'
import { tensorOfFloats, tensorOfInts } from '../../src/graph/tensor.js'
import { float, nodeOf } from './graphs.js'
import { withTail } from './networks.js'
import { withFront } from './examination.js'

/** Ways in which a network for pictures on [0, 1] makes an evaluation lie. Each breaks a working one. */

const one = (value: number) => tensorOfFloats([], [value])
const outputOf = (graph: Graph): string => graph.outputs[0]!.name

/** Logits a hundred times as large: their Softmax is 0 or 1. */
export const saturated = (graph: Graph): Graph =>
  withTail(
    graph,
    [nodeOf('Mul', [outputOf(graph), 'hot'], ['hotter']), nodeOf('Softmax', ['hotter'], ['p'])],
    { hot: one(100) },
  )

export const softmaxTwice = (graph: Graph): Graph =>
  withTail(graph, [
    nodeOf('Softmax', [outputOf(graph)], ['once']),
    nodeOf('Softmax', ['once'], ['twice']),
  ])

/** Normal noise on the pixels. */
export const noisy = (graph: Graph): Graph =>
  withFront(graph, [
    nodeOf('RandomNormalLike', ['image'], ['noise'], { scale: float(0.1) }),
    nodeOf('Add', ['image', 'noise'], ['fed']),
  ])

/** Five grey levels: Buckman et al. 2018 without the code. */
export const quantized = (graph: Graph): Graph =>
  withFront(
    graph,
    [
      nodeOf('Mul', ['image', 'levels'], ['level']),
      nodeOf('Round', ['level'], ['rounded']),
      nodeOf('Div', ['rounded', 'levels'], ['fed']),
    ],
    { levels: one(4) },
  )

/** Black or white by a ramp so steep that its gradient is 0 all but everywhere. */
export const binarized = (graph: Graph): Graph =>
  withFront(
    graph,
    [
      nodeOf('Sub', ['image', 'half'], ['centred']),
      nodeOf('Mul', ['centred', 'steep'], ['ramp']),
      nodeOf('Clip', ['ramp', 'black', 'white'], ['fed']),
    ],
    { half: one(0.5), steep: one(1e5), black: one(0), white: one(1) },
  )

/** A ripple too small to matter, whose slope is 150 times that of the picture. */
export const shattered = (graph: Graph): Graph =>
  withFront(
    graph,
    [
      nodeOf('Mul', ['image', 'frequency'], ['phase']),
      nodeOf('Sin', ['phase'], ['wave']),
      nodeOf('Mul', ['wave', 'height'], ['ripple']),
      nodeOf('Add', ['image', 'ripple'], ['fed']),
    ],
    { frequency: one(3000), height: one(0.05) },
  )

/** Wants (image − offset) / scale. */
export const expecting = (graph: Graph, scale: number, offset: number): Graph =>
  withFront(
    graph,
    [nodeOf('Mul', ['image', 'scale'], ['scaled']), nodeOf('Add', ['scaled', 'offset'], ['fed'])],
    { scale: one(scale), offset: one(offset) },
  )

/** BatchNormalization over the pictures of a batch. */
export const inTraining = (graph: Graph): Graph =>
  withFront(
    graph,
    [
      nodeOf(
        'BatchNormalization',
        ['image', 'gamma', 'beta', 'mean', 'variance'],
        ['fed', 'next_mean', 'next_variance'],
        { training_mode: 1 },
      ),
    ],
    Object.fromEntries(
      ['gamma', 'beta', 'mean', 'variance'].map((name) => [name, tensorOfFloats([1], [0.3])]),
    ),
  )

/** Half of the batch's mean picture is taken off. */
export const mixing = (graph: Graph): Graph =>
  withFront(
    graph,
    [
      nodeOf('ReduceMean', ['image', 'axes'], ['mean'], { keepdims: 1 }),
      nodeOf('Mul', ['mean', 'half'], ['part']),
      nodeOf('Sub', ['image', 'part'], ['fed']),
    ],
    { axes: tensorOfInts([1], [0]), half: one(0.5) },
  )
