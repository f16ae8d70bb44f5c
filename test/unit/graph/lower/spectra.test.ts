import { describe, expect, it } from 'vitest'
import type { Graph, Node } from '../../../../src/graph/ir.js'
import { tensorOfFloats, tensorOfInts } from '../../../../src/graph/tensor.js'
import { compileGradient } from '../../../../src/model/gradient.js'
import type { Feed } from '../../../../src/runtime/session.js'
import { doubleGradientError, doubleNoise } from '../../../helpers/double-check.js'
import { graphOf, nodeOf } from '../../../helpers/graphs.js'
import { noiseOf, runGraph } from '../../../helpers/networks.js'

/** The logarithm of the power of every frame and bin, as classifiers of sound begin, and one matrix. */
const spectrogram = (): Graph =>
  graphOf({
    inputs: { x: ['N', 40] },
    initializers: {
      step: tensorOfInts([], [4]),
      length: tensorOfInts([], [10]),
      parts: tensorOfInts([1], [2]),
      part: tensorOfInts([1], [3]),
      little: tensorOfFloats([], [0.1]),
      w: noiseOf([48, 3], 0.3, 'w'),
    },
    nodes: [
      nodeOf('HannWindow', ['length'], ['window']),
      nodeOf('Unsqueeze', ['x', 'parts'], ['signal']),
      nodeOf('STFT', ['signal', 'step', 'window', 'length'], ['spectra']),
      nodeOf('Mul', ['spectra', 'spectra'], ['squares']),
      nodeOf('ReduceSum', ['squares', 'part'], ['power'], { keepdims: 0 }),
      nodeOf('Add', ['power', 'little'], ['more']),
      nodeOf('Log', ['more'], ['levels']),
      nodeOf('Flatten', ['levels'], ['flat']),
      nodeOf('MatMul', ['flat', 'w'], ['y']),
    ],
  })

const single = ({ dims, data }: Feed): Feed => ({
  dtype: 'float32',
  dims,
  data: Float32Array.from(data as Float64Array),
})

const vjp = { wrt: ['x'], losses: [{ output: 'y', loss: 'vjp' }] } as const

describe('a classifier of spectrograms', () => {
  it('has the gradient of its logits, the same in either precision', async () => {
    const { graph } = await compileGradient(spectrogram(), { ...vjp, dtype: 'float64' })
    const feeds = { x: doubleNoise([2, 40], 'sound'), 'seed/y': doubleNoise([2, 3], 'seed') }
    expect(await doubleGradientError(graph, feeds, ['x'])).toBeLessThan(1e-8)
    const exact = await runGraph(graph, feeds)
    const fast = await compileGradient(spectrogram(), vjp)
    const near = await runGraph(fast.graph, {
      x: single(feeds.x),
      'seed/y': single(feeds['seed/y']),
    })
    const [a, b] = [exact, near].map((run) => Array.from(run['grad/x']!.data, Number))
    const most = Math.max(...a!.map(Math.abs))
    a!.forEach((value, k) => expect(Math.abs(value - b![k]!) / most).toBeLessThan(1e-5))
  })
})

// The default is axis 1 before opset 20, and the last but one from there on.
it.each([17, 19, 20, 23])('a DFT without an axis says the same, opset %i', async (opset) => {
  const network = graphOf({
    opset,
    inputs: { x: ['N', 3, 5, 1] },
    nodes: [nodeOf('DFT', ['x'], ['y'])],
  })
  const x = single(doubleNoise([2, 3, 5, 1], 'field'))
  const { graph } = await compileGradient(network, vjp)
  expect(graph.nodes.map(({ op }) => op)).not.toContain('DFT')
  const seed = single(doubleNoise([2, 3, 5, 2], 'seed'))
  const compiled = await runGraph(graph, { x, 'seed/y': seed })
  const itself = await runGraph(network, { x })
  itself['y']!.data.forEach((value, k) =>
    expect(Number(compiled['y']!.data[k])).toBeCloseTo(Number(value), 4),
  )
})

describe('left as they are, and refused by name:', () => {
  const one = tensorOfInts([], [1])
  const cases: readonly [string, Node, readonly (number | 'N')[], string][] = [
    [
      'a DFT along the batch',
      nodeOf('DFT', ['x'], ['y'], { axis: 0 }),
      ['N', 4, 1],
      'a length that is not fixed',
    ],
    ['a DFT of a long signal', nodeOf('DFT', ['x'], ['y']), [1, 4097, 1], 'too great for a matrix'],
    [
      'a one-sided inverse of too few bins',
      nodeOf('DFT', ['x', 'ten'], ['y'], { inverse: 1, onesided: 1 }),
      ['N', 4, 2],
      'does not go with the number of bins',
    ],
    [
      'an STFT whose step is computed',
      nodeOf('STFT', ['x', 'found', '', 'ten'], ['y']),
      [1, 20, 1],
      'a length or step that is not fixed',
    ],
  ]

  it.each(cases)('%s', async (_, node, dims, reason) => {
    const graph = graphOf({
      inputs: { x: dims },
      initializers: { one, ten: tensorOfInts([], [10]) },
      nodes: [
        nodeOf('ReduceMax', ['x'], ['most'], { keepdims: 0 }),
        nodeOf('Cast', ['most'], ['whole'], { to: 7 }),
        nodeOf('Max', ['whole', 'one'], ['found']),
        node,
      ],
    })
    await expect(compileGradient(graph, vjp)).rejects.toMatchObject({
      code: 'GNT_GRAD_NO_RULE',
      detail: { got: expect.stringContaining(reason) as string },
    })
  })
})
