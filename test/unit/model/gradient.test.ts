import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import { feedOfTensor } from '../../../src/model/axes.js'
import { compileGradient, type GradientOptions } from '../../../src/model/gradient.js'
import type { Graph } from '../../../src/graph/ir.js'
import { tensorOf, tensorOfInts } from '../../../src/graph/tensor.js'
import { loadModel } from '../../../src/onnx/load.js'
import type { Feed } from '../../../src/runtime/session.js'
import { objectiveNames } from '../../../src/step/objectives/index.js'
import { doubleGradientError, doubleNoise, doubles } from '../../helpers/double-check.js'
import { graphOf, nodeOf, publicModels } from '../../helpers/graphs.js'
import { classesFeed, noiseOf, runGraph } from '../../helpers/networks.js'

/** Strided, grouped and dilated convolutions, every pool, norms, a skip, and two heads. */
const network = (): Graph =>
  graphOf({
    inputs: { x: ['batch', 3, 12, 12] },
    initializers: {
      'conv1.weight': noiseOf([8, 3, 3, 3], 0.3, 'w1'),
      'conv1.bias': noiseOf([8], 0.1, 'b1'),
      'bn.scale': tensorOf('float32', [8], [1.1, 0.9, 1.2, 0.8, 1, 1.3, 0.7, 1]),
      'bn.bias': noiseOf([8], 0.1, 'b'),
      'bn.mean': noiseOf([8], 0.1, 'm'),
      'bn.var': tensorOf('float32', [8], [0.5, 1, 1.5, 2, 0.7, 0.9, 1.1, 1]),
      'conv2.weight': noiseOf([8, 2, 3, 3], 0.3, 'w2'),
      'up.weight': noiseOf([8, 4, 3, 3], 0.3, 'w3'),
      'head.weight': noiseOf([10, 8], 0.5, 'w4'),
    },
    nodes: [
      nodeOf('Conv', ['x', 'conv1.weight', 'conv1.bias'], ['c1'], { pads: [1, 1, 1, 1] }),
      nodeOf('BatchNormalization', ['c1', 'bn.scale', 'bn.bias', 'bn.mean', 'bn.var'], ['n1']),
      nodeOf('Relu', ['n1'], ['r1']),
      nodeOf('MaxPool', ['r1'], ['p1'], {
        kernel_shape: [3, 3],
        strides: [2, 2],
        pads: [1, 1, 1, 1],
      }),
      nodeOf('Conv', ['p1', 'conv2.weight'], ['c2'], {
        group: 4,
        dilations: [2, 2],
        pads: [2, 2, 2, 2],
      }),
      nodeOf('Sigmoid', ['c2'], ['s2']),
      nodeOf('Mul', ['c2', 's2'], ['a2']),
      nodeOf('Add', ['a2', 'p1'], ['skip']),
      nodeOf('AveragePool', ['skip'], ['q'], {
        kernel_shape: [3, 3],
        strides: [2, 2],
        pads: [1, 1, 1, 1],
        ceil_mode: 1,
      }),
      nodeOf('GlobalAveragePool', ['q'], ['g']),
      nodeOf('Flatten', ['g'], ['flat']),
      nodeOf('Gemm', ['flat', 'head.weight'], ['logits'], { transB: 1 }),
      nodeOf('ConvTranspose', ['skip', 'up.weight'], ['mask'], {
        strides: [2, 2],
        pads: [1, 1, 1, 1],
        output_padding: [1, 1],
      }),
    ],
    outputs: ['logits', 'mask'],
  })

const image = doubleNoise([2, 3, 12, 12], 'image')
const single = ({ dims, data }: Feed): Feed => ({
  dtype: 'float32',
  dims,
  data: Float32Array.from(data as Float64Array),
})

/** The graph with some of its constants as inputs, and what to feed them. */
function withInputs(graph: Graph, names: readonly string[]): [Graph, Record<string, Feed>] {
  const inputs = names.map((name) => {
    const { dtype, dims } = graph.initializers[name]!
    return { name, dtype, dims }
  })
  const rest = Object.entries(graph.initializers).filter(([name]) => !names.includes(name))
  const feeds = names.map((name) => {
    const { dims, data } = graph.initializers[name]!
    return [name, doubles(dims, new Float32Array(new Uint8Array(data).buffer))] as const
  })
  return [
    { ...graph, inputs: [...graph.inputs, ...inputs], initializers: Object.fromEntries(rest) },
    Object.fromEntries(feeds),
  ]
}

describe('a convolution net in double precision', () => {
  const losses = [
    { output: 'logits', loss: 'ce' },
    { output: 'mask', loss: 'mse', weight: 0.25 },
  ] as const
  const targets = {
    'target/logits': classesFeed([3, 7]),
    'target/mask': doubleNoise([2, 4, 12, 12], 'target'),
  }

  it('has the gradient of its loss with respect to its input and all its weights', async () => {
    const names = Object.keys(network().initializers)
    const [graph, weights] = withInputs(network(), names)
    const wrt = ['x', ...names]
    const { graph: double } = await compileGradient(graph, { wrt, losses, dtype: 'float64' })
    const feeds = { x: image, ...weights, ...targets }
    expect(await doubleGradientError(double, feeds, wrt)).toBeLessThan(1e-8)
  })

  it('has the same gradient where the weights are constants', async () => {
    const names = Object.keys(network().initializers)
    const [graph, weights] = withInputs(network(), names)
    const wrt = ['x', ...names]
    const options: GradientOptions = { wrt, losses, dtype: 'float64' }
    const fed = await compileGradient(graph, options)
    const constant = await compileGradient(network(), options)
    expect(constant.graph.inputs.map(({ name }) => name)).toEqual([
      'x',
      'target/logits',
      'target/mask',
    ])
    expect(constant.graph.outputs.map(({ name }) => name)).toEqual([
      'logits',
      'mask',
      'loss',
      'loss/logits',
      'loss/mask',
      ...wrt.map((name) => `grad/${name}`),
    ])
    const a = await runGraph(fed.graph, { x: image, ...weights, ...targets })
    const b = await runGraph(constant.graph, { x: image, ...targets })
    for (const name of Object.keys(b))
      expect(distance(a[name]!, b[name]!), name).toBeLessThan(1e-12)
  })

  it('says what the file says, and its gradient what the fast form says', async () => {
    const wrt = ['x', 'conv1.weight', 'bn.scale', 'up.weight']
    const double = await compileGradient(network(), { wrt, losses, dtype: 'float64' })
    const fast = await compileGradient(network(), { wrt, losses })
    const exact = await runGraph(double.graph, { x: image, ...targets })
    const x = single(image)
    const mask = single(targets['target/mask'])
    const near = await runGraph(fast.graph, { ...targets, x, 'target/mask': mask })
    for (const name of Object.keys(exact))
      expect(distance(near[name]!, exact[name]!), name).toBeLessThan(1e-5)
    const file = await runGraph(network(), { x })
    for (const name of ['logits', 'mask'])
      expect(distance(file[name]!, exact[name]!), name).toBeLessThan(1e-5)
    // A double form that computed in single precision somewhere would agree with nothing so well.
    expect(distance(near['grad/x']!, exact['grad/x']!)).toBeGreaterThan(1e-9)
  })

  it('adds up its terms', async () => {
    const { graph } = await compileGradient(network(), { wrt: ['x'], losses, dtype: 'float64' })
    const out = await runGraph(graph, { x: image, ...targets })
    const sum = (name: string): number =>
      Array.from(out[name]!.data as Float64Array).reduce((a, b) => a + b, 0)
    expect(out['loss/mask']!.dims).toEqual([2])
    expect(Number(out['loss']!.data[0])).toBeCloseTo(
      sum('loss/logits') + 0.25 * sum('loss/mask'),
      10,
    )
  })
})

/** Greatest difference, relative to the greatest value. */
function distance(a: Feed, b: Feed): number {
  expect(a.dims).toEqual(b.dims)
  let [most, scale] = [0, 1e-30]
  for (let k = 0; k < b.data.length; k++) {
    most = Math.max(most, Math.abs(Number(a.data[k]) - Number(b.data[k])))
    scale = Math.max(scale, Math.abs(Number(b.data[k])))
  }
  return most / scale
}

const scores = (): Graph =>
  graphOf({
    inputs: { x: ['N', 5, 4] },
    initializers: { w: noiseOf([4, 6]), v: noiseOf([4, 5, 3]) },
    nodes: [
      nodeOf('MatMul', ['x', 'w'], ['positions']),
      nodeOf('Tanh', ['positions'], ['bent']),
      nodeOf('ReduceMean', ['bent', 'axis'], ['flat'], { keepdims: 0 }),
    ],
    outputs: ['bent', 'flat'],
  })

describe('every loss', () => {
  const graph = {
    ...scores(),
    initializers: { ...scores().initializers, axis: tensorOfInts([1], [1]) },
  }

  it.each(
    objectiveNames.flatMap((loss) =>
      (
        [
          ['flat', [3, 6], [3]],
          ['bent', [3, 5, 6], [3, 6]],
        ] as const
      ).map(([output, shape, classes]) => [loss, output, shape, classes] as const),
    ),
  )('%s over %s has the gradient of its value', async (loss, output, shape, classes) => {
    const compiled = await compileGradient(graph, {
      wrt: ['x'],
      losses: [{ output, loss, weight: -2 }],
      dtype: 'float64',
    })
    const labels = Array.from({ length: classes.reduce((a, b) => a * b, 1) }, (_, k) => k % 5)
    const values = doubleNoise(shape, 'values')
    const feeds = {
      x: doubleNoise([3, 5, 4], 'x'),
      [`seed/${output}`]: values,
      [`target/${output}`]: ['ce', 'margin', 'dlr'].includes(loss)
        ? { ...classesFeed(labels), dims: classes }
        : values,
    }
    expect(compiled.graph.inputs).toHaveLength(loss === 'sum' ? 1 : 2)
    expect(await doubleGradientError(compiled.graph, feeds, ['x'])).toBeLessThan(1e-8)
  })

  it('has the value that its name says', async () => {
    const z = [0.5, -1.5, 2]
    const t = [0.25, 1, 0]
    const expected: Record<string, number> = {
      mse: z.reduce((sum, v, k) => sum + (v - t[k]!) ** 2, 0),
      l1: z.reduce((sum, v, k) => sum + Math.abs(v - t[k]!), 0),
      'bce-logits': z.reduce((sum, v, k) => sum + Math.log(1 + Math.exp(v)) - v * t[k]!, 0),
      sum: 1,
      vjp: z.reduce((sum, v, k) => sum + v * t[k]!, 0),
      ce: Math.log(z.reduce((sum, v) => sum + Math.exp(v), 0)) + 1.5,
      margin: 3.5,
      dlr: 3.5 / 3.5,
    }
    expect(Object.keys(expected).toSorted()).toEqual(objectiveNames.toSorted())
    const identity = graphOf({ inputs: { x: ['N', 3] }, nodes: [nodeOf('Identity', ['x'], ['y'])] })
    for (const loss of objectiveNames) {
      const { graph: one } = await compileGradient(identity, {
        wrt: ['x'],
        losses: [{ output: 'y', loss }],
        dtype: 'float64',
      })
      const known: Record<string, Feed> = {
        x: doubles([1, 3], z),
        'seed/y': doubles([1, 3], t),
        'target/y': ['ce', 'margin', 'dlr'].includes(loss) ? classesFeed([1]) : doubles([1, 3], t),
      }
      const feeds = Object.fromEntries(one.inputs.map(({ name }) => [name, known[name]!]))
      const out = await runGraph(one, feeds)
      expect(Number(out['loss']!.data[0]), loss).toBeCloseTo(expected[loss]!, 10)
    }
  })

  it.each(['ce', 'margin', 'dlr'] as const)('%s leaves out what is of no class', async (loss) => {
    const { graph: one } = await compileGradient(graph, {
      wrt: ['x'],
      losses: [{ output: 'flat', loss }],
    })
    const x: Feed = { ...doubleNoise([3, 5, 4], 'x'), dtype: 'float32' }
    const feeds = {
      x: { ...x, data: Float32Array.from(x.data as Float64Array) },
      'target/flat': classesFeed([-1, 2, 255]),
    }
    const out = await runGraph(one, feeds)
    const terms = Array.from(out['loss/flat']!.data as Float32Array, Boolean)
    const rows = Array.from(out['grad/x']!.data as Float32Array)
    const reached = [0, 1, 2].map((n) => rows.slice(n * 20, (n + 1) * 20).some(Boolean))
    expect([terms, reached]).toEqual([
      [false, true, false],
      [false, true, false],
    ])
  })

  it('tells terms over one output apart', async () => {
    const losses = [
      { output: 'flat', loss: 'ce' },
      { output: 'flat', loss: 'mse' },
    ] as const
    const { graph: both } = await compileGradient(graph, { wrt: ['x'], losses, dtype: 'float64' })
    const feeds = {
      x: doubleNoise([3, 5, 4], 'x'),
      'target/flat/ce': classesFeed([0, 1, 2]),
      'target/flat/mse': doubleNoise([3, 6], 't'),
    }
    expect(await doubleGradientError(both, feeds, ['x'])).toBeLessThan(1e-8)
  })
})

describe('inputs', () => {
  const twoInputs = graphOf({
    inputs: { image: ['batch', 'length', 4], scale: ['batch', 1, 4] },
    initializers: { w: noiseOf([4, 3]) },
    nodes: [nodeOf('Mul', ['image', 'scale'], ['both']), nodeOf('MatMul', ['both', 'w'], ['y'])],
  })

  it('may be several, with symbolic axes of a given length', async () => {
    const wrt = ['image', 'scale']
    const { graph } = await compileGradient(twoInputs, {
      wrt,
      losses: [{ output: 'y', loss: 'vjp' }],
      dtype: 'float64',
      sizes: { length: 6 },
    })
    expect(graph.inputs.map(({ dims }) => dims)).toEqual([
      ['N', 6, 4],
      ['N', 1, 4],
      ['N', 6, 3],
    ])
    const feeds = {
      image: doubleNoise([5, 6, 4], 'i'),
      scale: doubleNoise([5, 1, 4], 's'),
      'seed/y': doubleNoise([5, 6, 3], 'seed'),
    }
    expect(await doubleGradientError(graph, feeds, wrt)).toBeLessThan(1e-8)
  })

  it('may be indices, which are not differentiated', async () => {
    const graph = graphOf({
      inputs: { ids: ['N', 4] },
      initializers: { table: noiseOf([7, 3]) },
      nodes: [nodeOf('Gather', ['table', 'ids'], ['e']), nodeOf('Tanh', ['e'], ['y'])],
    })
    const tokens = { ...graph, inputs: [{ name: 'ids', dtype: 'int64' as const, dims: ['N', 4] }] }
    const losses = [{ output: 'y', loss: 'sum' }] as const
    const { graph: compiled } = await compileGradient(tokens, { wrt: ['table'], losses })
    const ids: Feed = { dtype: 'int64', dims: [1, 4], data: BigInt64Array.from([1n, 1n, 2n, 6n]) }
    const { data, dims } = (await runGraph(compiled, { ids }))['grad/table']!
    expect(dims).toEqual([7, 3])
    const table = new Float32Array(new Uint8Array(graph.initializers['table']!.data).buffer)
    const counts = [0, 2, 1, 0, 0, 0, 1]
    table.forEach((value, k) => {
      const expected = counts[Math.floor(k / 3)]! * (1 - Math.tanh(value) ** 2)
      expect(Number(data[k])).toBeCloseTo(expected, 5)
    })
    await expect(compileGradient(tokens, { wrt: ['ids'], losses })).rejects.toThrow('int64')
  })

  it('may be in opset 13, with a GELU in parts as the output', async () => {
    const half = Math.SQRT1_2
    const graph = graphOf({
      opset: 13,
      inputs: { x: ['N', 4] },
      initializers: {
        scale: tensorOf('float32', [], [half]),
        one: tensorOf('float32', [], [1]),
        half: tensorOf('float32', [], [0.5]),
      },
      nodes: [
        nodeOf('Mul', ['x', 'scale'], ['z']),
        nodeOf('Erf', ['z'], ['e']),
        nodeOf('Add', ['e', 'one'], ['s']),
        nodeOf('Mul', ['x', 's'], ['p']),
        nodeOf('Mul', ['p', 'half'], ['y']),
      ],
    })
    const losses = [{ output: 'y', loss: 'sum' }] as const
    const fast = await compileGradient(graph, { wrt: ['x'], losses })
    const exact = await compileGradient(graph, { wrt: ['x'], losses, dtype: 'float64' })
    const x = doubleNoise([3, 4], 'x')
    const a = await runGraph(fast.graph, { x: single(x) })
    const b = await runGraph(exact.graph, { x })
    for (const name of ['y', 'loss', 'grad/x'])
      expect(distance(a[name]!, b[name]!), name).toBeLessThan(1e-5)
    expect(await doubleGradientError(exact.graph, { x }, ['x'])).toBeLessThan(1e-8)
  })

  it('keep a batch that the network cannot leave', async () => {
    const graph = graphOf({
      inputs: { x: ['N', 2, 3] },
      initializers: { shape: tensorOfInts([2], [2, 3]) },
      nodes: [nodeOf('Reshape', ['x', 'shape'], ['y'])],
    })
    const { notes, graph: compiled } = await compileGradient(graph, {
      wrt: ['x'],
      losses: [{ output: 'y', loss: 'sum' }],
    })
    expect(notes).toEqual(['cannot be re-batched: runs at a batch of 1'])
    expect(compiled.inputs[0]!.dims).toEqual([1, 2, 3])
  })
})

const refused = (options: Partial<GradientOptions>, graph = network()): Promise<string> =>
  compileGradient(graph, {
    wrt: ['x'],
    losses: [{ output: 'logits', loss: 'ce' }],
    ...options,
  }).then(
    () => 'compiled',
    (error: Error) => error.message,
  )

describe('networks of reduced precision', () => {
  it('have float32 gradients of their weights: straight through a quantizer', async () => {
    const graph = graphOf({
      inputs: { x: ['N', 4] },
      initializers: {
        w: noiseOf([4, 3]),
        scale: tensorOf('float32', [], [0.05]),
        zero: tensorOf('int8', [], [0]),
      },
      nodes: [
        nodeOf('QuantizeLinear', ['w', 'scale', 'zero'], ['q']),
        nodeOf('DequantizeLinear', ['q', 'scale', 'zero'], ['d']),
        nodeOf('MatMul', ['x', 'd'], ['y']),
      ],
    })
    const losses = [{ output: 'y', loss: 'sum' }] as const
    const compiled = await compileGradient(graph, { wrt: ['x', 'w'], losses })
    expect(compiled.approximations.join()).toContain('QuantizeLinear')
    const x = single(doubles([2, 4], [1, 2, 3, 4, 5, 6, 7, 8]))
    const { 'grad/w': dW } = await runGraph(compiled.graph, { x })
    expect(Array.from(dW!.data as Float32Array)).toEqual([6, 6, 6, 8, 8, 8, 10, 10, 10, 12, 12, 12])
  })

  it('have float32 gradients of float16 values, near those of the same network in float32', async () => {
    const values = [0.5, -0.25, 1, 2, -1.5, 0.75]
    const netOf = (dtype: 'float16' | 'float32'): Graph =>
      graphOf({
        dtype,
        inputs: { x: ['N', 2] },
        initializers: { w: tensorOf(dtype, [2, 3], values) },
        nodes: [nodeOf('MatMul', ['x', 'w'], ['z']), nodeOf('Tanh', ['z'], ['y'])],
      })
    const point = [0.5, 0.25, -0.75, 1]
    const of = async (dtype: 'float16' | 'float32'): Promise<Record<string, Feed>> => {
      const losses = [{ output: 'y', loss: 'sum' }] as const
      const { graph } = await compileGradient(netOf(dtype), { wrt: ['x', 'w'], losses })
      return await runGraph(graph, { x: feedOfTensor(tensorOf(dtype, [2, 2], point)) })
    }
    const [half, full] = [await of('float16'), await of('float32')]
    for (const name of ['grad/x', 'grad/w']) {
      expect(half[name]!.dtype).toBe('float32')
      expect(distance(half[name]!, full[name]!), name).toBeLessThan(5e-3)
    }
  })
})

describe('what cannot be compiled', () => {
  it('is refused in one line', async () => {
    expect(await refused({ wrt: ['conv1.wieght'] })).toMatch(/did you mean conv1.weight/)
    expect(await refused({ wrt: [] })).toMatch(/nothing to differentiate/)
    expect(await refused({ losses: [] })).toMatch(/no loss/)
    expect(await refused({ losses: [{ output: 'logit', loss: 'ce' }] })).toMatch(/mean logits/)
    expect(
      await refused({
        losses: [
          { output: 'logits', loss: 'ce' },
          { output: 'logits', loss: 'ce' },
        ],
      }),
    ).toMatch(/two terms/)
    expect(await refused({ wrt: ['up.weight'] })).toMatch(/no differentiable path/)
    expect(await refused({ sizes: { width: 3 } })).toMatch(/width/)
    const narrow = graphOf({ inputs: { x: ['N', 2] }, nodes: [nodeOf('Tanh', ['x'], ['y'])] })
    expect(await refused({ losses: [{ output: 'y', loss: 'dlr' }] }, narrow)).toMatch(/3 classes/)
    const own = graphOf({ inputs: { loss: ['N', 2] }, nodes: [nodeOf('Tanh', ['loss'], ['y'])] })
    const losses = [{ output: 'y', loss: 'sum' }] as const
    expect(await refused({ wrt: ['loss'], losses }, own)).toMatch(/uses a name/)
  })

  it('is a double form of a network that rounds', async () => {
    const graph = graphOf({
      inputs: { x: ['N', 4] },
      initializers: {
        scale: tensorOf('float32', [], [0.1]),
        zero: tensorOf('int8', [], [0]),
      },
      nodes: [
        nodeOf('QuantizeLinear', ['x', 'scale', 'zero'], ['q']),
        nodeOf('DequantizeLinear', ['q', 'scale', 'zero'], ['y']),
      ],
    })
    const losses = [{ output: 'y', loss: 'sum' }] as const
    expect(await refused({ dtype: 'float64', losses }, graph)).toMatch(/rounds to a few bits/)
    const { approximations } = await compileGradient(graph, { wrt: ['x'], losses })
    expect(approximations.join()).toMatch(/straight-through|identity/)
  })
})

if (publicModels.length === 0)
  console.log('published networks: skipped, ../shared/data/vnncomp is not there')

describe.skipIf(publicModels.length === 0).each(publicModels.map((path) => [basename(path), path]))(
  '%s in double precision',
  (_, path) => {
    it('has the gradient of its loss to 1e-8', async () => {
      const { graph } = await loadModel(path)
      const [input, output] = [graph.inputs[0]!.name, graph.outputs[0]!.name]
      const compiled = await compileGradient(graph, {
        wrt: [input],
        losses: [{ output, loss: 'vjp' }],
        dtype: 'float64',
      })
      // A network may be flat at a point, and says nothing there.
      for (let seed = 1; ; seed++) {
        const feeds = Object.fromEntries(
          compiled.graph.inputs.map(({ name, dims }) => {
            const sizes = (dims ?? []).map((dim) => (typeof dim === 'number' ? dim : 2))
            const { data } = doubleNoise(sizes, name, seed)
            const scale = name === input ? 0.2 : 1
            return [
              name,
              doubles(
                sizes,
                (data as Float64Array).map((v) => scale * v),
              ),
            ]
          }),
        )
        const error = await doubleGradientError(compiled.graph, feeds, [input])
        if (error === null && seed < 20) continue
        expect(error).toBeLessThan(1e-8)
        return
      }
    })
  },
)
