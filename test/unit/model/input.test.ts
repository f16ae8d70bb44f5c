import { describe, expect, it } from 'vitest'
import type { GauntletError } from '../../../src/errors.js'
import type { Graph } from '../../../src/graph/ir.js'
import { tensorOfFloats } from '../../../src/graph/tensor.js'
import { prepareModel, type PrepareOptions } from '../../../src/model/prepare.js'
import { graphOf, nodeOf } from '../../helpers/graphs.js'
import {
  floatsFeed,
  gradientError,
  mlpOf,
  openModel,
  runGraph,
  samplesOf,
} from '../../helpers/networks.js'

/** The code and the one line of a refusal. */
async function refusal(graph: Graph, options?: PrepareOptions): Promise<GauntletError> {
  const error = await prepareModel(graph, options).then(
    () => new Error('prepared'),
    (reason: unknown) => reason,
  )
  expect(error).toMatchObject({ name: 'GauntletError' })
  expect((error as GauntletError).message).not.toContain('\n')
  return error as GauntletError
}

/** (N, C, H, W) → (N, H, W, C) */
function channelsLast(x: Float32Array, n: number, [c, h, w]: readonly [number, number, number]) {
  const out = new Float32Array(x.length)
  for (let i = 0; i < n; i++)
    for (let k = 0; k < c; k++)
      for (let p = 0; p < h * w; p++) out[(i * h * w + p) * c + k] = x[(i * c + k) * h * w + p]!
  return out
}

describe('layout', () => {
  const image = [3, 4, 5] as const
  const x = samplesOf(2, image)

  it.each([
    ['found from the shape', {}],
    ['as stated', { layout: 'nhwc' as const }],
  ])('a channels-last network gets its pixels, %s', async (_, options) => {
    const graph = mlpOf([4, 5, 3], 4)
    const model = await openModel(graph, { sampleShape: image, ...options })
    const own = await runGraph(graph, { x: floatsFeed([2, 4, 5, 3], channelsLast(x, 2, image)) })
    expect(await model.scores(x, 2, 2)).toEqual(own['y']!.data)
    expect(await gradientError(model.prepared, { loss: 'margin' })).toBeLessThan(0.01)
    await model.close()
  })

  it('a channels-first network gets them as they are', async () => {
    const graph = mlpOf(image, 4)
    const model = await openModel(graph, { sampleShape: image })
    const own = await runGraph(graph, { x: floatsFeed([2, ...image], x) })
    expect(await model.scores(x, 2, 2)).toEqual(own['y']!.data)
    await model.close()
  })

  it('is needed where free axes could be either', async () => {
    const graph = mlpOf([60], 4, { inputs: { x: ['N', 'a', 'b', 'c'] } })
    const [first, last] = [
      await openModel(graph, { sampleShape: image }),
      await openModel(graph, { sampleShape: image, layout: 'nhwc' }),
    ]
    expect(await first.scores(channelsLast(x, 2, image), 2, 2)).toEqual(await last.scores(x, 2, 2))
    await Promise.all([first.close(), last.close()])
  })

  it.each([
    ['channels-first data to a network of channels last', [4, 5, 3], 'nchw'],
    ['channels-last to a network of channels first', [3, 4, 5], 'nhwc'],
  ] as const)('that would scramble pixels is refused: %s', async (_, shape, layout) => {
    const error = await refusal(mlpOf(shape, 4), { sampleShape: image, layout })
    expect(error.code).toBe('GNT_DATA_SHAPE')
    expect(error.message).toMatch(/samples do not fit .*samples of shape \[3, 4, 5\].*--layout/)
  })

  it('is no remedy where no order of the axes fits', async () => {
    const error = await refusal(mlpOf([3, 8, 8], 4), { sampleShape: [1, 4, 4] })
    expect(error.message).toMatch(/; take data with the shape of the model, or a model for these/)
  })

  it('without data is that of the network, channels first', async () => {
    const graph = mlpOf([4, 5, 3], 4)
    expect((await prepareModel(graph)).sampleShape).toEqual([4, 5, 3])
    expect((await prepareModel(graph, { layout: 'nhwc' })).sampleShape).toEqual([3, 4, 5])
  })

  it.each([
    ['(1, 784, 1) from (1, 28, 28)', [784, 1], [1, 28, 28]],
    ['(784) from (1, 28, 28)', [784], [1, 28, 28]],
    ['(1, 28, 28) from (784)', [1, 28, 28], [784]],
    ['(28, 28) from (1, 28, 28)', [28, 28], [1, 28, 28]],
    ['(1, 1, 5) from (5)', [1, 1, 5], [5]],
  ])('%s is a reshape', async (_, modelShape, sampleShape) => {
    const graph = mlpOf(modelShape, 3)
    const model = await openModel(graph, { sampleShape })
    const values = samplesOf(3, sampleShape)
    const own = await runGraph(graph, { x: floatsFeed([3, ...modelShape], values) })
    expect(await model.scores(values, 3, 3)).toEqual(own['y']!.data)
    await model.close()
  })

  it.each([
    ['other sizes', [3, 8, 8], [3, 4, 4], /got samples of shape \[3, 4, 4\], expected \[3, 8, 8\]/],
    ['too many features', [4], [5], /got samples of shape \[5\], expected \[4\]/],
  ])('%s are refused', async (_, modelShape, sampleShape, text) => {
    const error = await refusal(mlpOf(modelShape, 3), { sampleShape })
    expect(error.code).toBe('GNT_DATA_SHAPE')
    expect(error.message).toMatch(text)
  })

  it('an input without a batch axis says so', async () => {
    const graph = graphOf({
      inputs: { x: [3, 4, 4] },
      nodes: [nodeOf('ReduceSum', ['x'], ['y'])],
    })
    const error = await refusal(graph, { sampleShape: [3, 4, 4] })
    expect(error.message).toContain('export the model with the batch as the first axis')
  })
})

/** The value for element i of (N, 3, 2, 2). */
function perChannel(values: readonly number[] | undefined, i: number, otherwise: number): number {
  return values?.[values.length === 1 ? 0 : Math.floor(i / 4) % 3] ?? otherwise
}

describe('mean and std', () => {
  const image = [3, 2, 2] as const
  const graph = mlpOf(image, 4)
  const x = samplesOf(2, image)

  it.each([
    ['per channel', [0.5, 0.4, 0.3], [0.2, 0.25, 0.5]],
    ['one for all', [0.5], [0.25]],
    ['mean per channel, one std', [0.5, 0.4, 0.3], [0.25]],
    ['std only', undefined, [0.5, 0.25, 2]],
    ['none', undefined, undefined],
  ])('%s: the network sees (x − mean) / std', async (_, mean, std) => {
    const model = await openModel(graph, { sampleShape: image, mean, std })
    const seen = x.map((value, i) => (value - perChannel(mean, i, 0)) / perChannel(std, i, 1))
    const own = (await runGraph(graph, { x: floatsFeed([2, ...image], seen) }))['y']!.data
    const scores = await model.scores(x, 2, 2)
    scores.forEach((score, i) => expect(score).toBeCloseTo(Number(own[i]), 5))
    expect(await gradientError(model.prepared, { loss: 'ce' })).toBeLessThan(0.01)
    await model.close()
  })

  it('are of the channels of a channels-last network too', async () => {
    const last = mlpOf([2, 2, 3], 4)
    const [mean, std] = [
      [0.5, 0.4, 0.3],
      [0.2, 0.25, 0.5],
    ]
    const model = await openModel(last, { sampleShape: image, mean, std })
    const seen = x.map((value, i) => {
      const c = Math.floor(i / 4) % 3
      return (value - mean[c]!) / std[c]!
    })
    const fed = floatsFeed([2, 2, 2, 3], channelsLast(seen, 2, image))
    const own = (await runGraph(last, { x: fed }))['y']!.data
    const scores = await model.scores(x, 2, 2)
    scores.forEach((score, i) => expect(score).toBeCloseTo(Number(own[i]), 5))
    await model.close()
  })

  it.each([
    [
      'mean of another length',
      { mean: [0.5, 0.5] },
      /mean has the wrong length: got 2 values, expected 1 or 3/,
    ],
    [
      'std of another length',
      { std: [1, 1, 1, 1] },
      /std has the wrong length: got 4 values, expected 1 or 3/,
    ],
    ['no mean at all', { mean: [] }, /mean has the wrong length: got 0 values/],
    ['std of zero', { std: [1, 0, 1] }, /std must be greater than 0: got 1, 0, 1/],
    ['infinite std', { std: [Infinity] }, /std must be greater than 0/],
    ['NaN in mean', { mean: [NaN] }, /mean must be numbers/],
  ])('%s is refused', async (_, options, text) => {
    const error = await refusal(graph, { sampleShape: image, ...options })
    expect(error.code).toBe('GNT_DATA_SHAPE')
    expect(error.message).toMatch(text)
  })
})

describe('several inputs', () => {
  /** y = mlp(x · scale + bias[choice]) */
  const graph: Graph = {
    ...mlpOf([4], 3),
    inputs: [
      { name: 'x', dtype: 'float32', dims: ['N', 4] },
      { name: 'scale', dtype: 'float32', dims: ['N', 1] },
      { name: 'choice', dtype: 'int64', dims: [1] },
    ],
  }
  const several: Graph = {
    ...graph,
    initializers: {
      ...graph.initializers,
      table: tensorOfFloats([2, 4], [0, 0, 0, 0, 1, 2, 3, 4]),
    },
    nodes: [
      nodeOf('Mul', ['x', 'scale'], ['scaled']),
      nodeOf('Gather', ['table', 'choice'], ['bias']),
      nodeOf('Add', ['scaled', 'bias'], ['flat']),
      ...graph.nodes.slice(1),
    ],
  }

  it.each([
    ['the attacked one named', { input: 'x', constants: { scale: [2], choice: [1] } }],
    ['the only one without a constant', { constants: { scale: [2], choice: [1] } }],
  ])('all but one are constants: %s', async (_, options) => {
    const model = await openModel(several, options)
    const x = samplesOf(2, [4])
    const moved = x.map((value, i) => 2 * value + (i % 4) + 1)
    const own = await runGraph(mlpOf([4], 3), { x: floatsFeed([2, 4], moved) })
    const scores = await model.scores(x, 2, 2)
    scores.forEach((score, i) => expect(score).toBeCloseTo(Number(own['y']!.data[i]), 4))
    expect(await gradientError(model.prepared, { loss: 'ce' })).toBeLessThan(0.01)
    await model.close()
  })

  it.each([
    ['none named', {}, /the model has 3 inputs: got x, scale, choice; name one with --input/],
    ['no such input', { input: 'z' }, /the model has no input z: expected x, scale, choice/],
    ['constants missing', { input: 'x' }, /several inputs.*no constant for scale, choice/],
    ['one missing', { input: 'x', constants: { scale: [1] } }, /no constant for choice;/],
    [
      'an unknown one',
      { input: 'x', constants: { scale: [1], choice: [0], other: [1] } },
      /a constant for an input the model does not have \(constants\.other\): expected values for scale, choice/,
    ],
    [
      'the attacked one a constant',
      { input: 'x', constants: { x: [1, 2, 3, 4], scale: [1], choice: [0] } },
      /the attacked input cannot be a constant/,
    ],
    [
      'too many values',
      { input: 'x', constants: { scale: [1, 2], choice: [0] } },
      /does not fit its input \(constants\.scale\): got 2 values, expected 1 for shape \[1, 1\]/,
    ],
    [
      'a fraction for an integer',
      { input: 'x', constants: { scale: [1], choice: [0.5] } },
      /constants\.choice\): got 0\.5, expected whole numbers, as the input is int64/,
    ],
    [
      'an index the network cannot take',
      { input: 'x', constants: { scale: [1], choice: [7] } },
      /ONNX Runtime cannot/,
    ],
  ])('%s: one clear line', async (_, options: PrepareOptions, text) => {
    const error = await refusal(several, options)
    expect(error.message).toMatch(text)
    expect(error.exitCode).toBe(2)
  })
})

describe('an input of a type that cannot be attacked', () => {
  it.each(['int64', 'bool', 'bfloat16'] as const)('%s is refused', async (dtype) => {
    const error = await refusal(mlpOf([4], 3, { dtype }))
    expect(error.code).toBe('GNT_MODEL_UNSUPPORTED')
    expect(error.message).toBe(
      `an input of this type cannot be perturbed (input x): got ${dtype}, expected float32, float16, float64 or, from ` +
        'opset 10 on, bytes; export the model with a float32 input',
    )
  })
})

describe('names', () => {
  const hostile = [
    'x',
    'labels',
    'targets',
    'lower',
    'upper',
    'step_size',
    'epsilon',
    'logits',
    'loss',
  ]
  const more = [
    'gradient',
    'x_next',
    'gauntlet_x',
    'm/gauntlet_x',
    'm/x',
    'const',
    'ints',
    'scalar',
    'Identity_g',
  ]

  it('of the network never meet those of the compiler', async () => {
    // A chain whose values are called as inputs and outputs of step graphs are.
    const names = [...hostile.slice(1), ...more]
    const graph = graphOf({
      inputs: { x: ['N', 6] },
      initializers: { gauntlet_w: mlpOf([6], 6).initializers['w1']! },
      outputs: [names.at(-1)!],
      nodes: names.map((name, i) => {
        const from = i === 0 ? 'x' : names[i - 1]!
        return { ...nodeOf('Mul', [from, 'two'], [name]), name }
      }),
    })
    const doubled = {
      ...graph,
      initializers: { two: tensorOfFloats([], [1.25]) },
    }
    for (const input of ['x', 'labels', 'gauntlet_x', 'logits', 'epsilon']) {
      const swap = (name: string): string => (name === 'x' ? input : name === input ? 'x' : name)
      const renamed: Graph = {
        ...doubled,
        inputs: doubled.inputs.map((value) => ({ ...value, name: swap(value.name) })),
        outputs: doubled.outputs.map((value) => ({ ...value, name: swap(value.name) })),
        nodes: doubled.nodes.map((node) => ({
          ...node,
          inputs: node.inputs.map(swap),
          outputs: node.outputs.map(swap),
        })),
      }
      const model = await openModel(renamed)
      const [scores] = await model.scores(Float32Array.of(1, 2, 3, 4, 5, 6), 1, 1)
      expect(scores).toBeCloseTo(1.25 ** names.length, 2)
      for (const norm of ['linf', 'l2', 'l1'] as const)
        for (const targeted of [false, true]) {
          const options = { loss: 'ce', norm, targeted, bounds: [0, 1] } as const
          const program = await model.step(options)
          expect(program.session.outputs).toEqual(['x_next', 'logits', 'loss'])
        }
      expect(await gradientError(model.prepared, { loss: 'ce' })).toBeLessThan(0.01)
      await model.close()
    }
  })
})
