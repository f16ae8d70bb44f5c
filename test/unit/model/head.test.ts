import { describe, expect, it } from 'vitest'
import type { Graph, Node } from '../../../src/graph/ir.js'
import { tensorOfFloats, tensorOfInts } from '../../../src/graph/tensor.js'
import { prepareModel } from '../../../src/model/prepare.js'
import { compileGradient } from '../../../src/step/compile.js'
import { graphOf, nodeOf } from '../../helpers/graphs.js'
import {
  classesFeed,
  floatsFeed,
  gradientError,
  linearOf,
  mlpOf,
  openModel,
  predictionsOf,
  runGraph,
  samplesOf,
  withTail,
} from '../../helpers/networks.js'

const shape = [2, 3] as const
const base = mlpOf(shape, 4)
const column = { inner: tensorOfInts([3], [-1, 4, 1]), outer: tensorOfInts([2], [-1, 4]) }
const softmax = (from = 'y', to = 'p'): Node => nodeOf('Softmax', [from], [to], { axis: 1 })

describe('logits before a squashing end', () => {
  it.each<[string, readonly Node[], string]>([
    ['Softmax', [softmax()], 'softmax'],
    ['LogSoftmax', [nodeOf('LogSoftmax', ['y'], ['p'])], 'softmax'],
    ['Log of Softmax', [softmax('y', 's'), nodeOf('Log', ['s'], ['p'])], 'softmax'],
    ['Softmax, Identity', [softmax('y', 's'), nodeOf('Identity', ['s'], ['p'])], 'softmax'],
    ['Softmax, Dropout', [softmax('y', 's'), nodeOf('Dropout', ['s'], ['p'])], 'softmax'],
    ['Softmax, Reshape', [softmax('y', 's'), nodeOf('Reshape', ['s', 'inner'], ['p'])], 'softmax'],
    [
      'Reshape, Softmax, Flatten',
      [
        nodeOf('Reshape', ['y', 'inner'], ['r']),
        softmax('r', 's'),
        nodeOf('Flatten', ['s'], ['p']),
      ],
      'softmax',
    ],
    [
      'Softmax in double precision',
      [
        nodeOf('Cast', ['y'], ['d'], { to: 11 }),
        nodeOf('Softmax', ['d'], ['s']),
        nodeOf('Cast', ['s'], ['p'], { to: 1 }),
      ],
      'softmax',
    ],
    ['Sigmoid', [nodeOf('Sigmoid', ['y'], ['p'])], 'sigmoid'],
    ['nothing', [nodeOf('Identity', ['y'], ['p'])], 'logits'],
  ])('%s', async (_, tail, head) => {
    const graph = withTail(base, tail, column)
    const model = await openModel(graph)
    expect(model.prepared).toMatchObject({ head, classes: 4, batch: null, notes: [] })
    const x = samplesOf(5, shape)
    // The host judges by the file's own end, the compiler starts before it.
    const own = (await runGraph(graph, { x: floatsFeed([5, ...shape], x) }))['p']!.data
    expect(Array.from(await model.scores(x, 5, 5))).toEqual(Array.from(own as Float32Array))
    const compiled = compileGradient(model.prepared, { loss: 'ce', targeted: false }).graph
    const feeds = { gauntlet_x: floatsFeed([5, ...shape], x), labels: classesFeed([0, 1, 2, 3, 0]) }
    const { logits } = await runGraph(compiled, feeds)
    const raw = (await runGraph(base, { x: floatsFeed([5, ...shape], x) }))['y']!
    expect(logits!.dims).toEqual([5, 4])
    expect(logits!.dtype).toBe('float32')
    logits!.data.forEach((value, i) => expect(Number(value)).toBeCloseTo(Number(raw.data[i]), 5))
    expect(await gradientError(model.prepared, { loss: 'margin' })).toBeLessThan(0.01)
    await model.close()
  })

  it('a confident Softmax would give no gradient; its logits do', async () => {
    const sharp = {
      ...base,
      initializers: {
        ...base.initializers,
        b2: tensorOfFloats([4], [300, 0, 0, 0]),
      },
    }
    const model = await prepareModel(withTail(sharp, [softmax()]))
    const { graph } = compileGradient(model, { loss: 'ce', targeted: false })
    const x = samplesOf(1, shape)
    const feeds = { gauntlet_x: floatsFeed([1, ...shape], x), labels: classesFeed([1]) }
    const { gradient } = await runGraph(graph, feeds)
    expect(Math.max(...Array.from(gradient!.data as Float32Array, Math.abs))).toBeGreaterThan(1e-3)
  })

  it('a Softmax over another axis than that of the classes stays', async () => {
    const graph = withTail(
      base,
      [
        nodeOf('Reshape', ['y', 'inner'], ['r']),
        nodeOf('Softmax', ['r'], ['s'], { axis: 2 }),
        nodeOf('Add', ['s', 'r'], ['t']),
        nodeOf('Softmax', ['t'], ['u'], { axis: 2 }),
        nodeOf('Add', ['u', 'r'], ['v']),
        nodeOf('Reshape', ['v', 'outer'], ['p']),
      ],
      column,
    )
    expect((await prepareModel(graph)).head).toBe('logits')
  })
})

describe('a single score', () => {
  const weights = [[1, -2, 0.5, 1, -1, 2]]
  const logit = linearOf(shape, weights, [-0.4])
  const x = samplesOf(8, shape)
  const z = Array.from({ length: 8 }, (_, i) =>
    weights[0]!.reduce((sum, w, k) => sum + w * x[i * 6 + k]!, -0.4),
  )
  const sides = Int32Array.from(z, (value) => (value > 0 ? 1 : 0))

  it.each<[string, Graph, string]>([
    ['raw [N, 1]', logit, 'binary-logit'],
    [
      'raw [N]',
      withTail(logit, [nodeOf('Squeeze', ['y', 'one'], ['p'])], { one: tensorOfInts([1], [1]) }),
      'binary-logit',
    ],
    ['Sigmoid [N, 1]', withTail(logit, [nodeOf('Sigmoid', ['y'], ['p'])]), 'binary-sigmoid'],
    [
      'Sigmoid [N]',
      withTail(logit, [nodeOf('Sigmoid', ['y'], ['s']), nodeOf('Squeeze', ['s', 'one'], ['p'])], {
        one: tensorOfInts([1], [1]),
      }),
      'binary-sigmoid',
    ],
    [
      'Sigmoid [N, 1, 1]',
      withTail(logit, [nodeOf('Sigmoid', ['y'], ['s']), nodeOf('Unsqueeze', ['s', 'two'], ['p'])], {
        two: tensorOfInts([1], [2]),
      }),
      'binary-sigmoid',
    ],
  ])('%s is two classes, split at logit 0', async (_, graph, head) => {
    const model = await openModel(graph)
    expect(model.prepared).toMatchObject({ head, classes: 2, batch: null })
    expect(sides).toContain(0)
    expect(sides).toContain(1)
    expect(await predictionsOf(model, x, 8)).toEqual(sides)
    for (const loss of ['ce', 'margin'] as const)
      expect(await gradientError(model.prepared, { loss }), loss).toBeLessThan(0.01)
    const { graph: compiled } = compileGradient(model.prepared, { loss: 'margin', targeted: false })
    const feeds = {
      gauntlet_x: floatsFeed([8, ...shape], x),
      labels: classesFeed(Array.from(sides)),
    }
    const { logits } = await runGraph(compiled, feeds)
    z.forEach((value, i) => {
      expect(logits!.data[2 * i]).toBe(0)
      expect(Number(logits!.data[2 * i + 1])).toBeCloseTo(value, 5)
    })
    await model.close()
  })
})

describe('outputs', () => {
  const two: Graph = {
    ...withTail(base, [
      nodeOf('ArgMax', ['y'], ['label'], { axis: 1, keepdims: 0 }),
      nodeOf('Neg', ['y'], ['negated']),
    ]),
    outputs: [
      { name: 'label', dtype: 'int64', dims: ['N'] },
      { name: 'y', dtype: 'float32', dims: ['N', 4] },
      { name: 'negated', dtype: 'float32', dims: ['N', 4] },
    ],
  }

  it('the first that holds scores is taken, and said', async () => {
    const model = await prepareModel(two)
    expect(model.notes).toEqual(['has 3 outputs: y is taken as the scores'])
    expect(model.classes).toBe(4)
  })

  it('the named one is taken', async () => {
    const [first, named] = [await openModel(two), await openModel(two, { output: 'negated' })]
    expect(named.prepared.notes).toEqual([])
    const x = samplesOf(3, shape)
    const scores = await first.scores(x, 3, 3)
    expect(await named.scores(x, 3, 3)).toEqual(scores.map((value) => -value))
    await Promise.all([first.close(), named.close()])
  })

  it.each([
    ['labels', 'label', /output is not one score per class \(output label\): got int64 values/],
    ['an unknown one', 'scores', /the model has no output scores: expected label, y, negated/],
  ])('%s is refused', async (_, output, text) => {
    const error: unknown = await prepareModel(two, { output }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'GNT_MODEL_UNSUPPORTED', exitCode: 2 })
    expect((error as Error).message).toMatch(text)
  })

  it('labels as the only output are refused, also when the file does not say their type', async () => {
    for (const dtype of ['int64', 'float32'] as const) {
      const graph: Graph = { ...two, outputs: [{ name: 'label', dtype, dims: null }] }
      await expect(prepareModel(graph)).rejects.toMatchObject({
        code: 'GNT_MODEL_UNSUPPORTED',
        message: expect.stringContaining('got int64 values'),
      })
    }
  })

  it('a picture is not one score per class', async () => {
    const tail = [nodeOf('Reshape', ['y', 'square'], ['p'])]
    const graph = withTail(base, tail, { square: tensorOfInts([3], [-1, 2, 2]) })
    await expect(prepareModel(graph)).rejects.toMatchObject({
      code: 'GNT_MODEL_UNSUPPORTED',
      message: expect.stringMatching(/got shape \[N, 2, 2\], expected \[N, classes\]/),
    })
  })

  it('whose batch is not in front are read one sample at a time', async () => {
    const tail = [nodeOf('Transpose', ['y'], ['p'], { perm: [1, 0] })]
    const [turned, plain] = [await openModel(withTail(base, tail)), await openModel(base)]
    expect(turned.prepared).toMatchObject({ batch: 1, classes: 4 })
    const x = samplesOf(3, shape)
    const wanted = await plain.scores(x, 3, 3)
    const scores = await turned.scores(x, 3, 3)
    scores.forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 5))
    await Promise.all([turned.close(), plain.close()])
  })

  it.each([
    ['float16', 10],
    ['float64', 11],
  ] as const)('of %s are converted', async (dtype, to) => {
    const tail = withTail(base, [nodeOf('Cast', ['y'], ['p'], { to })])
    const graph: Graph = { ...tail, outputs: [{ name: 'p', dtype, dims: ['N', 4] }] }
    const [model, plain] = [await openModel(graph), await openModel(base)]
    const x = samplesOf(3, shape)
    const scores = await model.scores(x, 3, 3)
    const wanted = await plain.scores(x, 3, 3)
    scores.forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 2))
    expect(await gradientError(model.prepared, { loss: 'ce' })).toBeLessThan(0.01)
    await Promise.all([model.close(), plain.close()])
  })

  it('one sample at a time may come without the batch axis', async () => {
    const fixed = mlpOf(shape, 4, { batch: 1 })
    const graph = withTail(
      fixed,
      [
        nodeOf('Reshape', ['y', 'four'], ['v']),
        // Keeps the batch at 1: four scores of one sample.
        nodeOf('Reshape', ['v', 'four'], ['p']),
      ],
      { four: tensorOfInts([1], [4]) },
    )
    const [model, plain] = [await openModel(graph), await openModel(base)]
    expect(model.prepared).toMatchObject({ batch: 1, classes: 4, head: 'logits' })
    const x = samplesOf(3, shape)
    const wanted = await plain.scores(x, 3, 3)
    const scores = await model.scores(x, 3, 3)
    scores.forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 5))
    expect(await gradientError(model.prepared, { loss: 'ce' })).toBeLessThan(0.01)
    await Promise.all([model.close(), plain.close()])
  })

  it('that do not depend on the input are refused', async () => {
    const graph = graphOf({
      inputs: { x: ['N', 3] },
      initializers: { c: tensorOfFloats([1, 4], [1, 2, 3, 4]) },
      nodes: [nodeOf('Mul', ['c', 'c'], ['y'])],
    })
    await expect(prepareModel(graph)).rejects.toMatchObject({ exitCode: 2 })
  })
})

/** What the compiler says of the graph. */
async function compile(graph: Graph): Promise<unknown> {
  const model = await prepareModel(graph)
  try {
    return compileGradient(model, { loss: 'ce', targeted: false })
  } catch (error) {
    return error
  }
}

describe('a network without a gradient', () => {
  it('for want of a rule: one line with operator, node and path', async () => {
    const graph = graphOf({
      inputs: { images: ['N', 4] },
      initializers: {
        square: tensorOfInts([3], [-1, 2, 2]),
        w: tensorOfFloats([1, 3], [1, 2, 3]),
        one: tensorOfInts([2], [-1, 1]),
      },
      nodes: [
        nodeOf('Reshape', ['images', 'square'], ['matrix']),
        nodeOf('Det', ['matrix'], ['volume']),
        nodeOf('Reshape', ['volume', 'one'], ['column']),
        nodeOf('MatMul', ['column', 'w'], ['y']),
      ],
    })
    const error = await compile(graph)
    expect(error).toMatchObject({ code: 'GNT_GRAD_NO_RULE', exitCode: 2 })
    const { message } = error as Error
    expect(message).not.toContain('\n')
    expect(message).toContain('no gradient rule for ai.onnx::Det')
    expect(message).toContain('node node/volume')
    expect(message).toMatch(/path gauntlet_x > .*node\/volume > .* > loss/)
    expect(message).toMatch(/attack that needs no gradient/)
  })

  it('because ArgMax cuts it', async () => {
    const graph = withTail(
      base,
      [
        nodeOf('ArgMax', ['y'], ['label'], { axis: 1, keepdims: 0 }),
        nodeOf('OneHot', ['label', 'depth', 'values'], ['p']),
      ],
      { depth: tensorOfInts([1], [4]), values: tensorOfFloats([2], [0, 1]) },
    )
    const error = await compile(graph)
    expect(error).toMatchObject({ code: 'GNT_GRAD_CUT', exitCode: 2 })
    expect((error as Error).message).toMatch(/the path is cut at node\/label \(ArgMax\)/)
    expect((error as Error).message).not.toContain('\n')
  })

  it('concerns only those who ask for it', async () => {
    const graph = withTail(
      base,
      [
        nodeOf('Reshape', ['y', 'square'], ['m']),
        nodeOf('Det', ['m'], ['d']),
        nodeOf('HardSwish', ['d'], ['p']),
      ],
      { square: tensorOfInts([3], [-1, 2, 2]) },
    )
    const model = await openModel(graph)
    const options = { loss: 'ce', norm: 'linf', targeted: false, bounds: [0, 1] } as const
    await expect(model.step(options)).rejects.toMatchObject({ code: 'GNT_GRAD_NO_RULE' })
    expect(await model.seconds()).toBeGreaterThanOrEqual(0)
    expect(await model.scores(samplesOf(2, shape), 2, 2)).toHaveLength(4)
    await expect(model.step(options)).rejects.toMatchObject({ code: 'GNT_GRAD_NO_RULE' })
    await model.close()
  })
})
