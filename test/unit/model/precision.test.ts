import { describe, expect, it } from 'vitest'
import type { DType, Graph } from '../../../src/graph/ir.js'
import { attackedInput } from '../../../src/graph/passes/preprocess.js'
import { elementCount, tensorOf } from '../../../src/graph/tensor.js'
import { ModelHandle } from '../../../src/model/handle.js'
import { roundingOf } from '../../../src/model/precision.js'
import { prepareModel, type PreparedModel } from '../../../src/model/prepare.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { Session, type Feed } from '../../../src/runtime/session.js'
import { compileGradient } from '../../../src/step/compile.js'
import { createRng } from '../../../src/util/rng.js'
import { Sketch } from '../../helpers/quantized.js'

const sampleShape = [3, 6, 6]
const rows = 5

const weight = (s: Sketch, dims: readonly number[], dtype: DType = 'float32'): string => {
  const rng = createRng('weight', ...dims)
  const fanIn = dims.length > 2 ? elementCount(dims.slice(1)) : dims[0]!
  const values = Array.from({ length: elementCount(dims) }, () => rng.normal() / Math.sqrt(fanIn))
  return s.keep(dtype, dims, ...values)
}

type Fake = (s: Sketch, x: string, scale: number, zero?: number) => string
const none: Fake = (_, x) => x
const qdq: Fake = (s, x, scale, zero = 128) => {
  const by = [s.scalar(scale), s.scalar(zero, 'uint8')]
  return s.emit('DequantizeLinear', [s.emit('QuantizeLinear', [x, ...by]), ...by])
}

/** Constants in int8 behind DequantizeLinear, one scale per output channel. */
function fakeWeight(s: Sketch, dims: readonly number[], axis: number): string {
  const scale = Array.from({ length: dims[axis]! }, (_, k) => 0.004 + 0.0005 * k)
  const zeros = scale.map(() => 0)
  return s.emit(
    'DequantizeLinear',
    [
      s.integers('int8', dims, -100, 100),
      s.keep('float32', [scale.length], ...scale),
      s.keep('int8', [scale.length], ...zeros),
    ],
    { axis },
  )
}

/** A residual network, quantized as ONNX Runtime's QDQ tool does it: a Relu is left to the range. */
function residual(fake: Fake): Graph {
  const s = new Sketch()
  const isFloat = fake === none
  const kernel = (dims: number[]): string => (isFloat ? weight(s, dims) : fakeWeight(s, dims, 0))
  const relu = (x: string, scale: number): string =>
    isFloat ? s.emit('Relu', [x]) : fake(s, x, scale, 0)
  const pads = [1, 1, 1, 1]
  const x = fake(s, 'x', 1 / 255, 0)
  const a = relu(s.emit('Conv', [x, kernel([8, 3, 3, 3])], { pads }), 0.008)
  const b = fake(s, s.emit('Conv', [a, kernel([8, 8, 3, 3])], { pads }), 0.02)
  const c = relu(s.emit('Add', [a, b]), 0.015)
  const d = s.emit('MaxPool', [c], { kernel_shape: [2, 2], strides: [2, 2] })
  const e = s.emit('Flatten', [fake(s, d, 0.015, 0)])
  const y = s.emit('Gemm', [e, isFloat ? weight(s, [72, 4]) : fakeWeight(s, [72, 4], 1)])
  return s.graph({ x: ['N', ...sampleShape] }, fake(s, y, 0.03))
}

/** The same kinds of layers on integers from end to end. */
function onIntegers(): Graph {
  const s = new Sketch()
  const by = (scale: number, zero: number): string[] => [s.scalar(scale), s.scalar(zero, 'uint8')]
  const own = [s.scalar(0.006), s.scalar(0, 'int8')]
  const conv = (x: string, from: string[], dims: number[], to: string[]): string =>
    s.emit('QLinearConv', [x, ...from, s.integers('int8', dims, -100, 100), ...own, ...to], {
      pads: [1, 1, 1, 1],
    })
  const [first, second, third] = [by(1 / 255, 0), by(0.012, 0), by(0.03, 120)]
  const a = conv(s.emit('QuantizeLinear', ['x', ...first]), first, [8, 3, 3, 3], second)
  const b = conv(a, second, [8, 8, 3, 3], third)
  const c = s.ms('QLinearAdd', [a, ...second, b, ...third, ...third])
  const d = s.ms('QLinearAveragePool', [c, ...third, ...third], {
    kernel_shape: [2, 2],
    strides: [2, 2],
  })
  const e = s.emit('Reshape', [d, s.keep('int64', [2], 0, 72)])
  const w = s.integers('int8', [72, 4], -100, 100)
  const logits = s.ms('QGemm', [e, ...third, w, ...own, ''], { transB: 0 })
  return s.graph({ x: ['N', ...sampleShape] }, logits)
}

/** An encoder layer whose products are quantized by the range of each batch; LayerNormalization and GELU stay real. */
function encoder(): Graph {
  const s = new Sketch()
  const dense = (x: string, from: number, to: number): string => {
    const [q, scale, zero] = s.emitMany('DynamicQuantizeLinear', [x], 3) as [string, string, string]
    const w = s.integers('int8', [from, to], -100, 100)
    const product = s.emit('MatMulInteger', [q, w, zero, s.scalar(0, 'int8')])
    const by = s.emit('Mul', [scale, s.scalar(0.01)])
    const real = s.emit('Mul', [s.emit('Cast', [product], { to: 1 }), by])
    return s.emit('Add', [real, weight(s, [to])])
  }
  const norm = (x: string): string =>
    s.emit('LayerNormalization', [x, weight(s, [12]), weight(s, [12])], { axis: -1 })
  const x = s.emit('Reshape', ['x', s.keep('int64', [3], 0, 9, 12)])
  const heads = (value: string): string =>
    s.emit('Transpose', [s.emit('Reshape', [value, s.keep('int64', [4], 0, 9, 2, 6)])], {
      perm: [0, 2, 1, 3],
    })
  const [q, k, v] = [0, 1, 2].map(() => heads(dense(x, 12, 12))) as [string, string, string]
  const keys = s.emit('Transpose', [k], { perm: [0, 1, 3, 2] })
  const scores = s.emit('Div', [s.emit('MatMul', [q, keys]), s.scalar(Math.sqrt(6))])
  const mixed = s.emit('MatMul', [s.emit('Softmax', [scores], { axis: -1 }), v])
  const joined = s.emit('Transpose', [mixed], { perm: [0, 2, 1, 3] })
  const a = norm(s.emit('Add', [x, s.emit('Reshape', [joined, s.keep('int64', [3], 0, 9, 12)])]))
  const wide = dense(a, 12, 24)
  const erf = s.emit('Erf', [s.emit('Div', [wide, s.scalar(Math.SQRT2)])])
  const gelu = s.emit('Mul', [
    s.emit('Mul', [wide, s.emit('Add', [erf, s.scalar(1)])]),
    s.scalar(0.5),
  ])
  const b = norm(s.emit('Add', [a, dense(gelu, 24, 12)]))
  const logits = s.emit('Gemm', [s.emit('Flatten', [b]), weight(s, [108, 4])])
  return s.graph({ x: ['N', ...sampleShape] }, logits)
}

/** Conv, a GELU in parts and a Gemm, all in one type; only what ONNX Runtime has kernels for. */
function inType(dtype: DType): Graph {
  const s = new Sketch()
  const first = s.emit('Conv', ['x', weight(s, [8, 3, 3, 3], dtype)], { pads: [1, 1, 1, 1] })
  const w = s.emit('MatMul', [s.emit('Flatten', [first]), weight(s, [288, 16], dtype)])
  const erf = s.emit('Erf', [s.emit('Div', [w, s.scalar(Math.SQRT2, dtype)])])
  const gelu = s.emit('Mul', [
    s.emit('Mul', [w, s.emit('Add', [erf, s.scalar(1, dtype)])]),
    s.scalar(0.5, dtype),
  ])
  const relu = s.emit('Relu', [gelu])
  // In float32 ONNX Runtime fuses a product and its scale, in half precision it does not.
  const scaled = s.emit('Mul', [relu, s.scalar(0.37, dtype)])
  const y = s.emit('MatMul', [scaled, weight(s, [16, 4], dtype)])
  return typed(s.graph({ x: ['N', ...sampleShape] }, y), dtype)
}

/** Two layers of what ONNX Runtime computes in double precision as well. */
function dense(dtype: DType): Graph {
  const s = new Sketch()
  const w = s.emit('MatMul', [s.emit('Flatten', ['x']), weight(s, [108, 16], dtype)])
  const y = s.emit('MatMul', [s.emit('Tanh', [w]), weight(s, [16, 4], dtype)])
  return typed(s.graph({ x: ['N', ...sampleShape] }, y), dtype)
}

function typed(graph: Graph, dtype: DType): Graph {
  const all = (values: Graph['inputs']): Graph['inputs'] =>
    values.map((value) => ({ ...value, dtype }))
  return { ...graph, inputs: all(graph.inputs), outputs: all(graph.outputs) }
}

const size = elementCount(sampleShape)
const pixels = Float32Array.from({ length: rows * size }, (_, k) => createRng('x', k).uniform())
const labels = BigInt64Array.from({ length: rows }, (_, k) => BigInt(k % 4))

const images = (data: Float32Array): Feed => ({
  dtype: 'float32',
  dims: [data.length / size, ...sampleShape],
  data,
})
const part = (data: Float32Array, from: number, count: number): Float32Array =>
  data.subarray(from * size, (from + count) * size)
const labelsOf = (all: BigInt64Array, from: number, count: number): Feed => ({
  dtype: 'int64',
  dims: [count],
  data: all.slice(from, from + count),
})

interface Compared {
  readonly model: PreparedModel
  /** Of the file as ONNX Runtime runs it by default. */
  readonly own: number[]
  /** Of the compiled step. */
  readonly logits: number[]
  readonly gradient: number[]
  readonly approximations: readonly string[]
}

async function compare(graph: Graph, truth = labels): Promise<Compared> {
  const model = await prepareModel(graph, { sampleShape })
  const handle = await ModelHandle.open(model)
  const loss = { loss: 'ce', targeted: false } as const
  const { session: step } = await handle.step({ ...loss, norm: 'linf', bounds: [0, 1] })
  const compiled = compileGradient(model, loss)
  const backward = await Session.open(encodeModel(compiled.graph))
  const isPlain = graph.inputs[0]!.dtype === 'float32'
  const shipped = await Session.open(encodeModel(isPlain ? graph : model.forward))
  const [own, logits, gradient]: [number[], number[], number[]] = [[], [], []]
  const count = model.batch ?? rows
  for (let from = 0; from < rows; from += count) {
    const x = images(part(pixels, from, count))
    const answer = await shipped.run({ [isPlain ? 'x' : attackedInput]: x })
    own.push(...(Object.values(answer)[0]!.data as Float32Array))
    const known = { [attackedInput]: x, labels: labelsOf(truth, from, count) }
    const stepSize: Feed = { dtype: 'float32', dims: [], data: Float32Array.of(0.1) }
    const moved = await step.run({ ...known, lower: x, upper: x, step_size: stepSize })
    logits.push(...(moved['logits']!.data as Float32Array))
    gradient.push(...((await backward.run(known))['gradient']!.data as Float32Array))
  }
  await Promise.all([handle.close(), backward.close(), shipped.close()])
  return { model, own, logits, gradient, approximations: compiled.approximations }
}

const dot = (p: readonly number[], q: readonly number[]): number =>
  p.reduce((sum, value, k) => sum + value * q[k]!, 0)
const cosine = (a: readonly number[], b: readonly number[]): number =>
  dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))

describe('the forward pass of a step has the bits of the file', () => {
  it('between QuantizeLinear and DequantizeLinear, which ONNX Runtime fuses to integers', async () => {
    const { own, logits, approximations } = await compare(residual(qdq))
    expect(logits).toEqual(own)
    expect(new Set(own).size).toBeGreaterThan(5)
    expect(approximations.join()).toMatch(/straight-through \(real form\) at \S+ \(?QLinearConv/)
  })

  it('on integers from end to end', async () => {
    const { own, logits, model } = await compare(onIntegers())
    expect(logits).toEqual(own)
    expect(model.batch).toBeNull()
    expect(new Set(own).size).toBeGreaterThan(5)
  })

  it('with the range of each batch, LayerNormalization and GELU between', async () => {
    const { own, logits, model, approximations } = await compare(encoder())
    expect(logits).toEqual(own)
    // The range is that of the batch, so that one sample changes what another is rounded to.
    expect(model.batch).toBe(1)
    expect(model.notes).toEqual(['samples of one batch influence each other: runs at a batch of 1'])
    for (const phrase of approximations)
      expect(phrase).toMatch(/^straight-through \(identity\) at .*DynamicQuantize(Linear|MatMul)/)
  })

  it('in half precision', async () => {
    const { own, logits, model } = await compare(inType('float16'))
    expect(logits).toEqual(own)
    expect(model.batch).toBeNull()
    // A Conv whose weight is a constant has a Conv as its gradient, which is the fastest.
    const weights = model.graph.nodes.filter(({ op }) => op === 'Conv').map((one) => one.inputs[1]!)
    expect(weights.map((name) => model.graph.initializers[name]?.dtype)).toEqual(['float32'])
  })

  it('with weights in blocks of 4 bits, which ONNX Runtime multiplies as they are', async () => {
    const s = new Sketch()
    const scales = Array.from({ length: 7 * 4 }, (_, k) => 0.02 + 0.001 * k)
    const w = s.emit(
      'DequantizeLinear',
      [s.integers('int4', [108, 4], -8, 7), s.keep('float32', [7, 4], ...scales)],
      { axis: 0, block_size: 16 },
    )
    const y = s.emit('MatMul', [s.emit('Flatten', ['x']), w])
    const { own, logits, gradient, approximations } = await compare(
      s.graph({ x: ['N', ...sampleShape] }, y),
    )
    expect(logits).toEqual(own)
    expect(Math.max(...gradient)).toBeGreaterThan(1e-3)
    expect(approximations.join()).toContain('MatMulNBits')
  })

  it('with weights that are only kept in bfloat16', async () => {
    const s = new Sketch()
    const kept = weight(s, [108, 4], 'bfloat16')
    const y = s.emit('MatMul', [s.emit('Flatten', ['x']), s.emit('Cast', [kept], { to: 1 })])
    const graph = s.graph({ x: ['N', ...sampleShape] }, y)
    const { own, logits, gradient, approximations } = await compare(graph)
    expect(logits).toEqual(own)
    expect(Math.max(...gradient)).toBeGreaterThan(1e-3)
    expect(approximations).toEqual([])
  })

  it('in double precision', async () => {
    const { own, logits } = await compare(dense('float64'))
    expect(logits).toEqual(own)
  })
})

describe('the gradient of a network of reduced precision', () => {
  it('is close to that of the network in float32', async () => {
    const single = await compare(inType('float32'))
    const half = await compare(inType('float16'))
    expect(single.approximations).toEqual([])
    expect(half.approximations).toEqual([])
    expect(cosine(single.gradient, half.gradient)).toBeGreaterThan(0.9999)
  })

  it('keeps what would be rounded to zero in half precision', async () => {
    const [single, half] = [sure(inType('float32')), sure(inType('float16'))]
    const { own } = await compare(single)
    const predicted = BigInt64Array.from({ length: rows }, (_, k) => {
      const scores = own.slice(4 * k, 4 * k + 4)
      return BigInt(scores.indexOf(Math.max(...scores)))
    })
    const most = async (graph: Graph): Promise<number[]> =>
      perSample((await compare(graph, predicted)).gradient.map(Math.abs))
    const [expected, got] = [await most(single), await most(half)]
    expect(Math.min(...expected)).toBeLessThan(1e-8)
    for (const [k, value] of got.entries())
      expect(Math.abs(Math.log(value / expected[k]!))).toBeLessThan(1)
  })

  it('in double precision is that in float32', async () => {
    const [single, double] = [await compare(dense('float32')), await compare(dense('float64'))]
    expect(cosine(single.gradient, double.gradient)).toBeGreaterThan(1 - 1e-9)
  })
})

const perSample = (values: readonly number[]): number[] =>
  Array.from({ length: rows }, (_, k) => Math.max(...values.slice(k * size, (k + 1) * size)))

/** The same network with greater logits: it is surer of what it says. */
function sure(graph: Graph): Graph {
  const [output] = graph.outputs as [Graph['outputs'][number]]
  const by = tensorOf(output.dtype, [], [1000])
  const node = {
    name: 'scale',
    op: 'Mul',
    domain: '',
    inputs: [output.name, 'factor'],
    outputs: ['sure'],
    attrs: {},
  }
  return {
    ...graph,
    initializers: { ...graph.initializers, factor: by },
    nodes: [...graph.nodes, node],
    outputs: [{ ...output, name: 'sure' }],
  }
}

describe('what samples of one batch may differ by from samples alone', () => {
  it('is a step of the integers, unless the batch decides how wide a step is', () => {
    expect(roundingOf(residual(none))).toBe(1e-4)
    expect(roundingOf(residual(qdq))).toBe(2e-2)
    expect(roundingOf(onIntegers())).toBe(2e-2)
    expect(roundingOf(inType('float16'))).toBe(2e-2)
    expect(roundingOf(encoder())).toBe(1e-4)
    const s = new Sketch()
    const range = s.emit('ReduceMax', [s.emit('Abs', ['x'])], { keepdims: 0 })
    const scale = s.emit('Div', [range, s.scalar(127)])
    const q = s.emit('QuantizeLinear', ['x', scale, s.scalar(0, 'int8')])
    expect(roundingOf(s.graph({ x: ['N', 4] }, q))).toBe(1e-4)
  })
})

describe('an input of bytes', () => {
  it('is rounded to, and the gradient passes', async () => {
    const s = new Sketch()
    const wide = s.emit('Flatten', [s.emit('Cast', ['x'], { to: 1 })])
    const y = s.emit('MatMul', [wide, weight(s, [108, 4])])
    const graph = s.graph({ x: ['N', ...sampleShape] }, y)
    const bytes = {
      ...graph,
      inputs: graph.inputs.map((one) => ({ ...one, dtype: 'uint8' as const })),
    }
    const model = await prepareModel(bytes, { sampleShape, mean: [0], std: [1 / 255] })
    const compiled = compileGradient(model, { loss: 'ce', targeted: false })
    const session = await Session.open(encodeModel(compiled.graph))
    const run = await session.run({
      [attackedInput]: images(pixels),
      labels: labelsOf(labels, 0, rows),
    })
    const rounded = Uint8Array.from(pixels, (value) => Math.round(value * 255))
    const shipped = await Session.open(encodeModel(bytes))
    const answer = await shipped.run({
      x: { dtype: 'uint8', dims: [rows, ...sampleShape], data: rounded },
    })
    expect(run['logits']!.data).toEqual(answer[y]!.data)
    expect(Math.max(...(run['gradient']!.data as Float32Array))).toBeGreaterThan(1e-3)
    expect(compiled.approximations).toHaveLength(1)
  })
})
