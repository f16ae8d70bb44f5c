import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { backward } from '../../../src/autodiff/grad.js'
import { GauntletError } from '../../../src/errors.js'
import { GraphBuilder } from '../../../src/graph/builder.js'
import type { Graph, Node } from '../../../src/graph/ir.js'
import { print } from '../../../src/graph/print.js'
import type { ValueInfo } from '../../../src/graph/shapes.js'
import { tensorOf, tensorOfFloats, tensorOfInts } from '../../../src/graph/tensor.js'
import { probeShapes } from '../../../src/model/probe.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { Session } from '../../../src/runtime/session.js'
import { exampleRules } from '../../examples/gradient-rule.js'
import { gradientGraph, gradientsAt } from '../../helpers/gradient-check.js'
import { float, graphOf, nodeOf } from '../../helpers/graphs.js'

const sketch = (nodes: readonly Node[], initializers: Graph['initializers'] = {}): Graph =>
  graphOf({ inputs: { x: ['N', 3] }, nodes, initializers })

type Initializer = Graph['initializers'][string]

const bound = (value: number): Initializer => tensorOfFloats([], [value])
const channel = (...values: number[]): Initializer => tensorOfFloats([values.length], values)
const one = (op: string, inputs: readonly string[], attrs = {}): Node[] => [
  nodeOf(op, inputs, ['y'], attrs),
]

/** Differentiates without running: what is known of every value is one shape. */
function compile(graph: Graph, dtypes: Readonly<Record<string, ValueInfo['dtype']>> = {}) {
  const names = ['x', ...graph.nodes.flatMap((node) => node.outputs)]
  const infos = new Map(
    names.map((name): [string, ValueInfo] => [
      name,
      { dtype: dtypes[name] ?? 'float32', shape: [{ perBatch: 1 }, 3] },
    ]),
  )
  const g = new GraphBuilder(graph, infos)
  return backward(g, { nodes: graph.nodes, seeds: new Map([['y', 'seed']]), wrt: ['x'] })
}

function failure(action: () => unknown): GauntletError {
  try {
    action()
  } catch (error) {
    if (error instanceof GauntletError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('a value with several consumers', () => {
  it('adds two gradients', async () => {
    const graph = sketch([nodeOf('Exp', ['x'], ['e']), nodeOf('Mul', ['e', 'x'], ['y'])])
    const { x } = await gradientsAt(graph, [0, 1, 2])
    ;[0, 1, 2].forEach((v, k) => expect(x![k]).toBeCloseTo((1 + v) * Math.exp(v), 4))
  })

  it('adds three gradients, one of them from a node that reads it twice', async () => {
    const graph = sketch([
      nodeOf('Mul', ['x', 'x'], ['square']),
      nodeOf('Neg', ['x'], ['negative']),
      nodeOf('Sum', ['square', 'negative', 'x'], ['y']),
    ])
    expect((await gradientsAt(graph, [1, -2, 0.5])).x).toEqual([2, -4, 1])
  })

  it('sums with one node when there are three', () => {
    const graph = sketch([
      nodeOf('Exp', ['x'], ['a']),
      nodeOf('Sin', ['x'], ['b']),
      nodeOf('Cos', ['x'], ['c']),
      nodeOf('Sum', ['a', 'b', 'c'], ['y']),
    ])
    expect(compile(graph).gradients.get('x')).toMatch(/^Sum_g/)
  })
})

describe('what lies outside the path', () => {
  const graph = sketch(
    [
      nodeOf('Mul', ['x', 'w'], ['a']),
      nodeOf('com.acme', ['w'], ['side']),
      nodeOf('Add', ['a', 'side'], ['y']),
    ],
    { w: tensorOfFloats([3], [1, 2, 3]) },
  )

  it('is neither differentiated nor asked for a rule', () => {
    const names = ['x', 'w', 'a', 'side', 'y']
    const infos = new Map(
      names.map((name): [string, ValueInfo] => [
        name,
        { dtype: 'float32', shape: name === 'w' ? [3] : [{ perBatch: 1 }, 3] },
      ]),
    )
    const g = new GraphBuilder(graph, infos)
    const { gradients } = backward(g, {
      nodes: graph.nodes,
      seeds: new Map([['y', 'seed']]),
      wrt: ['x'],
    })
    const finished = g.finish(
      [{ name: 'seed', dtype: 'float32', dims: ['N', 3] }],
      [{ name: gradients.get('x')!, dtype: 'float32', dims: null }],
    )
    expect(finished.nodes.map((node) => node.op)).toEqual(['Mul'])
  })
})

describe('errors', () => {
  it('name the operator without a rule, its node and the path', () => {
    const mystery = { ...nodeOf('Mystery', ['a'], ['b']), domain: 'com.acme' }
    const graph = sketch([nodeOf('Relu', ['x'], ['a']), mystery, nodeOf('Relu', ['b'], ['y'])])
    const error = failure(() => compile(graph))
    expect(error.code).toBe('GNT_GRAD_NO_RULE')
    expect(error.message).toContain('com.acme::Mystery')
    expect(error.message).toContain('node node/b, path x > node/a > node/b > node/y > loss')
    expect(error.exitCode).toBe(2)
  })

  it('name the node that cuts the only path', () => {
    const graph = sketch([
      nodeOf('Relu', ['x'], ['a']),
      nodeOf('Greater', ['a', 'x'], ['b']),
      nodeOf('Cast', ['b'], ['y'], { to: 1 }),
    ])
    const error = failure(() => compile(graph, { b: 'bool' }))
    expect(error.code).toBe('GNT_GRAD_CUT')
    expect(error.message).toContain('node/b (Greater)')
  })

  it('do not blame a Shape', () => {
    const graph = sketch([
      nodeOf('Shape', ['x'], ['size']),
      nodeOf('ConstantOfShape', ['size'], ['y']),
    ])
    const error = failure(() => compile(graph))
    expect(error.code).toBe('GNT_GRAD_CUT')
    expect(error.message).toContain('an output that does not depend on it')
  })

  it.each([
    ['GNT_MODEL_UNSUPPORTED', 'Dropout', ['x', '', 'yes'], {}],
    [
      'GNT_MODEL_UNSUPPORTED',
      'BatchNormalization',
      ['x', 's', 's', 's', 's'],
      { training_mode: 1 },
    ],
    ['GNT_GRAPH_DYNAMIC_SHAPE', 'ReduceSum', ['x', 'x'], {}],
  ] as const)('%s for a form of %s that has no gradient', (code, op, inputs, attrs) => {
    const graph = sketch([nodeOf(op, inputs, ['y'], attrs)], {
      yes: tensorOf('bool', [], [1]),
      s: tensorOfFloats([3], [1, 1, 1]),
      at: tensorOfInts([1, 1], [0]),
    })
    const error = failure(() => compile(graph))
    expect(error.code).toBe(code)
    expect(error.message).toContain('node/y')
  })
})

describe('surrogates', () => {
  it.each(['Round', 'Floor', 'Ceil', 'Sign'])('%s lets the gradient through and says so', (op) => {
    const { gradients, approximations } = compile(sketch([nodeOf(op, ['x'], ['y'])]))
    expect(gradients.get('x')).toBe('seed')
    expect(approximations).toEqual([`straight-through (identity) at node/y (${op})`])
  })

  it('a Cast to an integer and back is a rounding, reported once', async () => {
    const graph = sketch([
      nodeOf('Cast', ['x'], ['whole'], { to: 7 }),
      nodeOf('Cast', ['whole'], ['back'], { to: 1 }),
      nodeOf('Mul', ['back', 'x'], ['y']),
    ])
    expect((await gradientsAt(graph, [1.5, 2, -3.2])).x).toEqual(
      [1.5 + 1, 2 + 2, -3.2 - 3].map(Math.fround),
    )
    expect(compile(graph, { whole: 'int64' }).approximations).toEqual([
      'straight-through (identity) at node/whole (Cast)',
    ])
  })

  it('a Cast between floats is none', () => {
    const graph = sketch([nodeOf('Cast', ['x'], ['y'], { to: 11 })])
    expect(compile(graph, { y: 'float64' }).approximations).toEqual([])
  })

  it('a Cast to bool cuts', () => {
    const graph = sketch([
      nodeOf('Cast', ['x'], ['b'], { to: 9 }),
      nodeOf('Cast', ['b'], ['y'], { to: 1 }),
    ])
    expect(failure(() => compile(graph, { b: 'bool' })).code).toBe('GNT_GRAD_CUT')
  })
})

// What PyTorch gives at the same points.
describe('kinks and ties', () => {
  const axis = tensorOfInts([1], [1])
  const pair = tensorOfFloats([1, 3], [2, 2, 2])
  it.each<[string, Node[], Graph['initializers'], number[], number[]]>([
    ['Relu at 0', one('Relu', ['x']), {}, [-1, 0, 1], [0, 0, 1]],
    ['Relu near 0', one('Relu', ['x']), {}, [-1e-30, 1e-30, 1e-37], [0, 1, 1]],
    ['Abs at 0', one('Abs', ['x']), {}, [-1, 0, 1], [-1, 0, 1]],
    [
      'LeakyRelu at 0',
      one('LeakyRelu', ['x'], { alpha: float(0.25) }),
      {},
      [-1, 0, 1],
      [0.25, 0.25, 1],
    ],
    ['Max of two, a tie', one('Max', ['x', 'p']), { p: pair }, [1, 2, 3], [0, 0.5, 1]],
    ['Min of two, a tie', one('Min', ['p', 'x']), { p: pair }, [1, 2, 3], [1, 0.5, 0]],
    ['Max of three, all tie', one('Max', ['x', 'p', 'p']), { p: pair }, [1, 2, 3], [0, 1 / 3, 1]],
    ['ReduceMax, two tie', one('ReduceMax', ['x', 'a']), { a: axis }, [2, 1, 2], [0.5, 0, 0.5]],
    [
      'ReduceMin, all tie',
      one('ReduceMin', ['x', 'a']),
      { a: axis },
      [1, 1, 1],
      [1 / 3, 1 / 3, 1 / 3],
    ],
    ['ReduceL2 at 0', one('ReduceL2', ['x', 'a']), { a: axis }, [0, 0, 0], [0, 0, 0]],
    ['ReduceProd, one 0', one('ReduceProd', ['x', 'a']), { a: axis }, [2, 0, 3], [0, 6, 0]],
    ['ReduceProd, two 0', one('ReduceProd', ['x', 'a']), { a: axis }, [2, 0, 0], [0, 0, 0]],
    [
      'Clip on both borders',
      one('Clip', ['x', 'l', 'h']),
      { l: bound(0), h: bound(1) },
      [0, 0.5, 1],
      [1, 1, 1],
    ],
    [
      'Clip beyond both',
      one('Clip', ['x', 'l', 'h']),
      { l: bound(0), h: bound(1) },
      [-1e-6, 0, 1.000001],
      [0, 1, 0],
    ],
    ['Clip, min only', one('Clip', ['x', 'l']), { l: bound(0) }, [-1e-6, 0, 5], [0, 1, 1]],
    ['Clip, max only', one('Clip', ['x', '', 'h']), { h: bound(0) }, [1e-6, 0, -5], [0, 1, 1]],
    [
      'HardSigmoid at its corners',
      one('HardSigmoid', ['x'], { alpha: float(0.25) }),
      {},
      [-2, 0, 2],
      [0, 0.25, 0],
    ],
    ['Pow at 0', one('Pow', ['x', 'e']), { e: bound(2) }, [0, -1, 1], [0, -2, 2]],
    [
      'Sqrt of what Relu made 0',
      [nodeOf('Relu', ['x'], ['r']), nodeOf('Sqrt', ['r'], ['y'])],
      {},
      [-1, 0, 4],
      [0, 0, 0.25],
    ],
    ...[0.5, 0.75].map((e): [string, Node[], Graph['initializers'], number[], number[]] => [
      `Pow ${e} of what Relu made 0`,
      [nodeOf('Relu', ['x'], ['r']), nodeOf('Pow', ['r', 'e'], ['y'])],
      { e: bound(e) },
      [-1, 0, 1],
      [0, 0, e],
    ]),
  ])('%s', async (_, nodes, initializers, point, expected) => {
    const { x } = await gradientsAt(sketch(nodes, initializers), point)
    expected.forEach((value, k) => expect(x![k]).toBeCloseTo(value, 6))
  })
})

it('the gradient graph of a residual block, as text', async () => {
  const graph = graphOf({
    inputs: { x: ['N', 2, 4] },
    initializers: {
      scale: channel(1, 2),
      bias: channel(0, 1),
      mean: channel(0.5, 0),
      variance: channel(1, 4),
      axes: tensorOfInts([1], [-1]),
    },
    nodes: [
      nodeOf('BatchNormalization', ['x', 'scale', 'bias', 'mean', 'variance'], ['n']),
      nodeOf('Relu', ['n'], ['r']),
      nodeOf('Add', ['r', 'x'], ['s']),
      nodeOf('ReduceMean', ['s', 'axes'], ['m'], { keepdims: 0 }),
      nodeOf('Softmax', ['m'], ['y']),
    ],
  })
  const infos = await probeShapes(graph, null, (n) => ({
    x: { dtype: 'float32', dims: [n, 2, 4], data: new Float32Array(n * 8) },
  }))
  await expect(print(gradientGraph(graph, infos, ['y'], ['x']))).toMatchFileSnapshot(
    '../../golden/gradient-residual-block.txt',
  )
})

describe('the example in the README', () => {
  const root = join(import.meta.dirname, '../../..')
  const read = (path: string): string => readFileSync(join(root, path), 'utf8')

  it('is the file test/examples/gradient-rule.ts', () => {
    const block = /```ts\n([^`]*)```/.exec(read('src/autodiff/rules/README.md'))?.[1]
    const code = block?.replaceAll(/^ {3}/gm, '').trim()
    expect(code).toContain('function swish')
    expect(read('test/examples/gradient-rule.ts')).toContain(code)
  })

  it('gives what the chain of its parts gives', async () => {
    const known = sketch([nodeOf('Sigmoid', ['x'], ['s']), nodeOf('Mul', ['x', 's'], ['y'])])
    const point = [-2, 0.3, 4]
    const expected = (await gradientsAt(known, point)).x!
    // ONNX Runtime has no Swish before opset 24: the forward graph stays the chain, the rule reads its y.
    const g = new GraphBuilder(known, new Map([['x', { dtype: 'float32', shape: [1, 3] }]]))
    const swish = nodeOf('Swish', ['x'], ['y'])
    const { gradients } = backward(g, {
      nodes: [swish],
      seeds: new Map([['y', g.constant(tensorOfFloats([1, 3], [1, 1, 1]))]]),
      wrt: ['x'],
      rules: exampleRules,
    })
    const value = gradients.get('x')!
    const graph = g.finish(known.inputs, [{ name: value, dtype: 'float32', dims: null }])
    const session = await Session.open(encodeModel(graph))
    const feed = { dtype: 'float32', dims: [1, 3], data: Float32Array.from(point) } as const
    const run = await session.run({ x: feed })
    await session.close()
    expected.forEach((each, k) => expect(Number(run[value]!.data[k])).toBeCloseTo(each, 5))
  })
})
