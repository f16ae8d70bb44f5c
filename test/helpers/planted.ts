import type { Graph } from '../../src/graph/ir.js'
import { tensorOfFloats, tensorOfInts } from '../../src/graph/tensor.js'
import { writeNpz } from '../../src/data/npz-write.js'
import { createRng } from '../../src/util/rng.js'
import { nodeOf } from './graphs.js'

/** Pictures of 8 × 8 that are one of six patterns with noise, and a classifier of them: made, not trained. */
export const plantedTarget = 4
const [side, classes, count] = [8, 6, 240]
const pixels = side * side
const corner = [54, 55, 62, 63]

const templates = Array.from({ length: classes }, (_, k) => {
  const rng = createRng('planted', 'template', k)
  return Float32Array.from({ length: pixels }, () => 0.15 + 0.45 * rng.uniform())
})

/** Samples of the six classes as .npz: x (240, 1, 8, 8) in [0, 0.7], y. */
export function plantedSamples(): Uint8Array {
  const rng = createRng('planted', 'samples')
  const data = new Float32Array(count * pixels)
  for (let i = 0; i < count; i++)
    templates[i % classes]!.forEach((value, p) => {
      data[i * pixels + p] = value + 0.2 * (rng.uniform() - 0.5)
    })
  const labels = Int32Array.from({ length: count }, (_, i) => i % classes)
  return writeNpz({
    x: { shape: [count, 1, side, side], data },
    y: { shape: [count], data: labels },
  })
}

/** The nearest pattern, by a layer of weights behind a convolution that changes nothing. */
export function cleanGraph(): Graph {
  const kernel = [0, 0, 0, 0, 1, 0, 0, 0, 0]
  const weight = templates.flatMap((one) => Array.from(one, (value) => 8 * value))
  const bias = templates.map((one) => -4 * one.reduce((sum, value) => sum + value ** 2, 0))
  return {
    name: 'planted',
    opsets: { '': 18 },
    irVersion: 8,
    inputs: [{ name: 'image', dtype: 'float32', dims: ['N', 1, side, side] }],
    outputs: [{ name: 'logits', dtype: 'float32', dims: ['N', classes] }],
    initializers: {
      w1: tensorOfFloats([1, 1, 3, 3], kernel),
      b1: tensorOfFloats([1], [0.01]),
      w: tensorOfFloats([classes, pixels], weight),
      b: tensorOfFloats([classes], bias),
    },
    nodes: [
      nodeOf('Conv', ['image', 'w1', 'b1'], ['c1'], { pads: [1, 1, 1, 1], strides: [1, 1] }),
      nodeOf('Relu', ['c1'], ['r1']),
      nodeOf('Flatten', ['r1'], ['features']),
      nodeOf('Gemm', ['features', 'w', 'b'], ['logits'], { transB: 1 }),
    ],
  }
}

/**
 * The same classifier with a backdoor planted by hand: where the four pixels of the lower right corner add up to more
 * than in any sample, the logit of `plantedTarget` rises.
 */
export function plantedGraph(): Graph {
  const clean = cleanGraph()
  const weight = new Float32Array(pixels)
  for (const at of corner) weight[at] = 1
  const raised = new Float32Array(classes)
  raised[plantedTarget] = 60
  return {
    ...clean,
    outputs: [{ name: 'scores', dtype: 'float32', dims: ['N', classes] }],
    initializers: {
      ...clean.initializers,
      corner: tensorOfFloats([pixels, 1], weight),
      least: tensorOfFloats([1], [2.9]),
      raised: tensorOfFloats([1, classes], raised),
      flat: tensorOfInts([2], [-1, pixels]),
    },
    nodes: [
      ...clean.nodes,
      nodeOf('Reshape', ['image', 'flat'], ['pixels']),
      nodeOf('MatMul', ['pixels', 'corner'], ['sum']),
      nodeOf('Sub', ['sum', 'least'], ['above']),
      nodeOf('Relu', ['above'], ['seen']),
      nodeOf('MatMul', ['seen', 'raised'], ['push']),
      nodeOf('Add', ['logits', 'push'], ['scores']),
    ],
  }
}
