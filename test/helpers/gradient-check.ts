import { backward } from '../../src/autodiff/grad.js'
import type { RuleTable } from '../../src/autodiff/rule.js'
import { GauntletError } from '../../src/errors.js'
import { GraphBuilder } from '../../src/graph/builder.js'
import type { Attr, DType, Graph, Tensor, Value } from '../../src/graph/ir.js'
import type { Shape, ValueInfos } from '../../src/graph/shapes.js'
import { elementCount, tensorOf } from '../../src/graph/tensor.js'
import { verify } from '../../src/graph/verify.js'
import { lowerAll } from '../../src/model/lower.js'
import { encodeModel } from '../../src/onnx/encode.js'
import { Session, type Feed } from '../../src/runtime/session.js'
import { createRng, type Rng } from '../../src/util/rng.js'
import { nodeOf } from './graphs.js'

/** `'N'` is the free batch axis. */
type Dims = readonly (number | 'N')[]
/** Draws the elements of an operand of `count` elements. */
export type Draw = (rng: Rng, count: number) => number[]
type Precision = 'float32' | 'float64'

/** Something fed to the operator under test. */
export type Operand =
  | { readonly kind: 'input'; readonly dims: Dims; readonly draw: Draw }
  | { readonly kind: 'weight'; readonly dims: readonly number[]; readonly draw: Draw }
  | { readonly kind: 'fixed'; readonly dims: readonly number[]; readonly values: readonly number[] }
  | { readonly kind: 'tensor'; readonly tensor: Tensor }
  | { readonly kind: 'computed'; readonly tensor: Tensor }
  | { readonly kind: 'absent' }

/** Normal, at least 0.1 away from the kink at 0. */
export const normal: Draw = (rng, count) =>
  Array.from({ length: count }, () => {
    const value = rng.normal()
    return value + (value < 0 ? -0.1 : 0.1)
  })
/** Between 0.5 and 2. */
export const positive: Draw = (rng, count) =>
  Array.from({ length: count }, () => 0.5 + 1.5 * rng.uniform())
/** Between −0.9 and 0.9. */
export const small: Draw = (rng, count) =>
  Array.from({ length: count }, () => 1.8 * rng.uniform() - 0.9)
/** Any two at least 0.1 apart, and from 0: maxima have no ties. */
export const distinct: Draw = (rng, count) => {
  const steps = Array.from({ length: count }, (_, k) => k - Math.floor(count / 2))
  for (let k = count - 1; k > 0; k--) {
    const other = rng.below(k + 1)
    ;[steps[k], steps[other]] = [steps[other]!, steps[k]!]
  }
  return steps.map((step) => 0.15 * step + 0.05)
}
/** Multiples of `step` plus 0.05: kinks lie between them. */
export const grid =
  (step: number, offset: number): Draw =>
  (rng, count) =>
    Array.from({ length: count }, () => step * (rng.below(9) - 4) + offset)

/** A graph input that is differentiated. */
export const input = (dims: Dims, draw: Draw = normal): Operand => ({ kind: 'input', dims, draw })
/** A float constant that is differentiated as well. */
export const weight = (dims: readonly number[], draw: Draw = normal): Operand => ({
  kind: 'weight',
  dims,
  draw,
})
/** A float constant that is not. */
export const fixed = (dims: readonly number[], ...values: number[]): Operand => ({
  kind: 'fixed',
  dims,
  values,
})
export const ints = (...values: number[]): Operand => shaped([values.length], ...values)
/** An int64 constant of any shape. */
export const shaped = (dims: readonly number[], ...values: number[]): Operand => ({
  kind: 'tensor',
  tensor: tensorOf('int64', dims, values),
})
export const bools = (dims: readonly number[], ...values: number[]): Operand => ({
  kind: 'tensor',
  tensor: tensorOf('bool', dims, values),
})
/** Integers that the graph computes, so that no rule can read them. */
export const computed = (dims: readonly number[], ...values: number[]): Operand => ({
  kind: 'computed',
  tensor: tensorOf('int64', dims, values),
})
export const absent: Operand = { kind: 'absent' }

export interface RuleCase {
  readonly op: string
  /** `com.microsoft`; ai.onnx unless said otherwise. */
  readonly domain?: string
  readonly label: string
  readonly inputs: readonly Operand[]
  readonly attrs?: Readonly<Record<string, number | string | readonly number[] | Attr>>
  /** Number of outputs; a loss reads those in `reads`, by default all. */
  readonly outputs?: number
  readonly reads?: readonly number[]
  /** Outputs that are left out. */
  readonly unnamed?: readonly number[]
  readonly opset?: number
  /** Operands that only a subgraph reads, by their names `x0`, `x1`, … */
  readonly captured?: readonly number[]
  /** Instead of the default ones, where the operator itself rounds more. */
  readonly tolerance?: number
  /** Instead of those that every gradient is made by. */
  readonly rules?: RuleTable
}

export interface CheckResult {
  /** What was compared. `float64` where ONNX Runtime has kernels for the operator and for its gradient. */
  readonly precisions: readonly Precision[]
}

/** The batch of the comparison: shapes are probed at 2 and 3, so nothing can have been fixed to this. */
const batch = 4
/**
 * Largest deviation, relative to Σ |gradient · direction| and at least to 1: of gradients in double precision, of
 * single-precision gradients against differences in double precision, and against those in single precision.
 */
const tolerances = { exact: 1e-8, single: 2e-5, coarse: 4e-3 } as const

/**
 * The differences are of the operator itself, the gradients of what it is lowered to: both are put to the test.
 * Compares, for each differentiated operand and two random directions, the gradient of Σ w·f(x) with a central
 * difference of fourth order. @returns what could be compared; throws with the numbers where they differ
 */
export async function checkRule(test: RuleCase): Promise<CheckResult> {
  const double = await runAt(test, 'float64')
  const single = await runAt(test, 'float32')
  if (!single.gradients) throw new Error(`no float32 kernel: ${single.reason}`)
  const reference = double.differences ?? single.differences
  if (!reference) throw new Error(`no kernel: ${double.reason}`)
  const exactness = double.differences ? tolerances.single : tolerances.coarse
  compare(test, single.gradients, reference, test.tolerance ?? exactness, 'float32')
  if (!double.gradients) return { precisions: ['float32'] }
  compare(test, double.gradients, reference, test.tolerance ?? tolerances.exact, 'float64')
  return { precisions: ['float32', 'float64'] }
}

/** Per operand and direction: the directional derivative and the scale of its rounding error. */
interface Projection {
  readonly operand: string
  readonly value: number
  readonly scale: number
}

function compare(
  test: RuleCase,
  gradients: readonly Projection[],
  reference: readonly Projection[],
  tolerance: number,
  precision: Precision,
): void {
  for (const [k, { operand, value, scale }] of gradients.entries()) {
    const expected = reference[k]!.value
    const error = Math.abs(value - expected) / Math.max(1, scale)
    if (!(error <= tolerance))
      throw new Error(
        `${test.op} (${test.label}), ${precision}, operand ${operand}: gradient ${value}, difference ` +
          `${expected}, error ${error} over the tolerance ${tolerance}`,
      )
  }
}

interface Run {
  readonly gradients?: readonly Projection[]
  readonly differences?: readonly Projection[]
  readonly reason?: string
}

async function runAt(test: RuleCase, dtype: Precision): Promise<Run> {
  const sketch = sketchOf(test, dtype)
  const feeds = (n: number): Record<string, Feed> => feedsOf(sketch, n, dtype)
  const lacks = dtype === 'float64' ? notOfDouble : noKernel
  let infos: ValueInfos
  let lowered: Graph
  try {
    ;({ graph: lowered, infos } = await lowerAll(sketch.graph, null, feeds))
  } catch (error) {
    return { reason: kernelMissing(error, lacks) }
  }
  const point = feeds(batch)
  const readOutputs = sketch.graph.outputs
    .map((output) => output.name)
    .filter((name) => test.reads?.includes(Number(name.slice(1))) ?? true)
  const weights = new Map(
    readOutputs.map((name) => {
      const { shape, dtype: type } = infos.get(name)!
      const dims = concrete(shape)
      const drawn = normal(createRng('seed', name), elementCount(dims))
      return [name, feedOf(dims, drawn, type === 'float64' ? type : 'float32')]
    }),
  )
  const directions = sketch.differentiated.flatMap((name) =>
    [1, 2].map((k) => {
      const { data } = point[name] ?? weightFeed(sketch, name, dtype)
      const drawn = normal(createRng('direction', name, k), data.length)
      const most = drawn.reduce((a, b) => Math.max(a, Math.abs(b)), 0)
      return { name, vector: drawn.map((value) => value / most) }
    }),
  )
  let differences: Projection[]
  try {
    differences = await differencesOf(sketch, point, weights, directions, dtype)
  } catch (error) {
    return { reason: kernelMissing(error, lacks) }
  }
  try {
    const simple = { ...sketch, graph: lowered, rules: test.rules }
    return { differences, gradients: await gradientsOf(simple, infos, point, weights, directions) }
  } catch (error) {
    return { differences, reason: kernelMissing(error) }
  }
}

interface Sketch {
  /** The operator, constants as constants. */
  readonly graph: Graph
  readonly differentiated: readonly string[]
  readonly rules?: RuleTable | undefined
  readonly draws: ReadonlyMap<string, { readonly dims: Dims; readonly draw: Draw }>
}

function sketchOf(test: RuleCase, dtype: Precision): Sketch {
  const inputs: Value[] = []
  const initializers: Record<string, Tensor> = {}
  const draws = new Map<string, { dims: Dims; draw: Draw }>()
  const before: Graph['nodes'][number][] = []
  const names = test.inputs.map((operand, k) => {
    const name = `x${k}`
    switch (operand.kind) {
      case 'absent':
        return ''
      case 'input':
        inputs.push({ name, dtype, dims: operand.dims })
        draws.set(name, operand)
        return name
      case 'weight': {
        const values = operand.draw(createRng('operand', name), elementCount(operand.dims))
        initializers[name] = tensorOf(dtype, operand.dims, values)
        draws.set(name, operand)
        return name
      }
      case 'fixed':
        initializers[name] = tensorOf(dtype, operand.dims, operand.values)
        return name
      case 'tensor':
        initializers[name] = operand.tensor
        return name
      case 'computed':
        initializers[`${name}_constant`] = operand.tensor
        before.push(nodeOf('Identity', [`${name}_constant`], [name]))
        return name
    }
  })
  const inputNames = names.filter((_, k) => !test.captured?.includes(k))
  const outputs = Array.from({ length: test.outputs ?? 1 }, (_, k) =>
    test.unnamed?.includes(k) ? '' : `y${k}`,
  )
  return {
    graph: {
      name: test.op,
      opsets: { '': test.opset ?? 18, ...(test.domain ? { [test.domain]: 1 } : {}) },
      irVersion: 8,
      inputs,
      outputs: outputs.flatMap((name) => (name ? [{ name, dtype, dims: null }] : [])),
      initializers,
      nodes: [
        ...before,
        { ...nodeOf(test.op, inputNames, outputs, test.attrs ?? {}), domain: test.domain ?? '' },
      ],
    },
    differentiated: [...draws.keys()],
    draws,
  }
}

function feedsOf({ graph, draws }: Sketch, n: number, dtype: Precision): Record<string, Feed> {
  return Object.fromEntries(
    graph.inputs.map(({ name }) => {
      const { dims, draw } = draws.get(name)!
      const sizes = dims.map((size) => (size === 'N' ? n : size))
      return [name, feedOf(sizes, draw(createRng('operand', name), elementCount(sizes)), dtype)]
    }),
  )
}

function weightFeed({ draws }: Sketch, name: string, dtype: Precision): Feed {
  const { dims, draw } = draws.get(name)!
  const sizes = dims.map(Number)
  return feedOf(sizes, draw(createRng('operand', name), elementCount(sizes)), dtype)
}

type Weights = ReadonlyMap<string, Feed>
interface Direction {
  readonly name: string
  readonly vector: readonly number[]
}

/** The forward graph with every differentiated constant as an input, run at four points per direction. */
async function differencesOf(
  sketch: Sketch,
  point: Readonly<Record<string, Feed>>,
  weights: Weights,
  directions: readonly Direction[],
  dtype: Precision,
): Promise<Projection[]> {
  const { graph } = sketch
  const constants = sketch.differentiated.filter((name) => graph.initializers[name])
  const all = {
    ...point,
    ...Object.fromEntries(constants.map((name) => [name, weightFeed(sketch, name, dtype)])),
  }
  const forward: Graph = {
    ...graph,
    inputs: [
      ...graph.inputs,
      ...constants.map((name) => ({ name, dtype, dims: graph.initializers[name]!.dims })),
    ],
    initializers: Object.fromEntries(
      Object.entries(graph.initializers).filter(([name]) => !constants.includes(name)),
    ),
  }
  const session = await Session.open(encodeModel(forward), { optimization: 'disabled' })
  const h = dtype === 'float64' ? 1e-3 : 1e-2
  try {
    const loss = async ({ name, vector }: Direction, by: number): Promise<number> => {
      const { dims, data } = all[name]!
      const moved = Array.from(vector, (value, k) => Number(data[k]) + by * value)
      const run = await session.run({ ...all, [name]: feedOf(dims, moved, dtype) })
      return [...weights].reduce((sum, [output, seed]) => sum + dot(seed, run[output]!), 0)
    }
    const results: Projection[] = []
    for (const direction of directions) {
      const near = (await loss(direction, h)) - (await loss(direction, -h))
      const far = (await loss(direction, 2 * h)) - (await loss(direction, -2 * h))
      const value = (8 * near - far) / (12 * h)
      results.push({ operand: direction.name, value, scale: Math.abs(value) })
    }
    return results
  } finally {
    await session.close()
  }
}

/** The compiled gradient graph, verified and run, projected on the directions. */
async function gradientsOf(
  sketch: Sketch,
  infos: ValueInfos,
  point: Readonly<Record<string, Feed>>,
  weights: Weights,
  directions: readonly Direction[],
): Promise<Projection[]> {
  const { graph: network, differentiated, rules } = sketch
  const graph = gradientGraph(network, infos, [...weights.keys()], differentiated, rules)
  const session = await Session.open(encodeModel(graph))
  try {
    const all: Record<string, Feed> = { ...point }
    for (const [output, seed] of weights) all[`seed/${output}`] = seed
    const needed = Object.fromEntries(session.inputs.map((name) => [name, all[name]!]))
    const run = await session.run(needed)
    return directions.map(({ name, vector }) => {
      const gradient = run[`grad/${name}`]!
      const expected = point[name]?.dims ?? sketch.draws.get(name)!.dims
      if (gradient.dims.join() !== expected.join())
        throw new Error(`gradient of ${name} has shape [${gradient.dims}], not [${expected}]`)
      const products = vector.map((value, k) => value * Number(gradient.data[k]))
      const value = products.reduce((a, b) => a + b, 0)
      return { operand: name, value, scale: products.reduce((a, b) => a + Math.abs(b), 0) }
    })
  } finally {
    await session.close()
  }
}

/** Inputs: those of `graph` that are needed, and `seed/<output>`; outputs: `grad/<value>`. Verified. */
export function gradientGraph(
  graph: Graph,
  infos: ValueInfos,
  seeded: readonly string[],
  wrt: readonly string[],
  rules?: RuleTable,
): Graph {
  const seeds = seeded.map((name) => ({
    name: `seed/${name}`,
    dtype: infos.get(name)!.dtype as DType,
    dims: infos.get(name)!.shape.map(() => null),
  }))
  const g = new GraphBuilder({ ...graph, inputs: [...graph.inputs, ...seeds] }, infos)
  const { gradients } = backward(g, {
    nodes: graph.nodes,
    seeds: new Map(seeded.map((name) => [name, `seed/${name}`])),
    wrt,
    ...(rules ? { rules } : {}),
  })
  const outputs = wrt.map((name): Value => {
    const named = g.emit('Identity', [gradients.get(name)!], {}, { name: `grad/${name}` })
    return { name: named, dtype: 'float32', dims: null }
  })
  return verify(g.finish([...graph.inputs, ...seeds], outputs))
}

/** Values of the gradients of Σ seed·output at `point`; every seed is 1. For graphs of one float32 input `x`. */
export async function gradientsAt(
  sketched: Graph,
  point: readonly number[],
  wrt: readonly string[] = ['x'],
): Promise<Record<string, number[]>> {
  const feeds = { x: feedOf([1, point.length], point, 'float32') }
  const { graph, infos } = await lowerAll(sketched, 1, () => feeds)
  const [seeded] = graph.outputs.map((output) => output.name) as [string]
  const compiled = gradientGraph(graph, infos, [seeded], wrt)
  const seedShape = concrete(infos.get(seeded)!.shape)
  const ones = Array.from({ length: elementCount(seedShape) }, () => 1)
  const session = await Session.open(encodeModel(compiled))
  try {
    const all: Record<string, Feed> = {
      ...feeds,
      [`seed/${seeded}`]: feedOf(seedShape, ones, 'float32'),
    }
    const run = await session.run(
      Object.fromEntries(session.inputs.map((name) => [name, all[name]!])),
    )
    return Object.fromEntries(
      wrt.map((name) => [name, Array.from(run[`grad/${name}`]!.data as Float32Array)]),
    )
  } finally {
    await session.close()
  }
}

function feedOf(dims: readonly number[], values: readonly number[], dtype: Precision): Feed {
  return { dtype, dims, data: (dtype === 'float64' ? Float64Array : Float32Array).from(values) }
}

function concrete(shape: Shape): number[] {
  return shape.map((size) => (typeof size === 'number' ? size : size.perBatch * batch))
}

function dot(a: Feed, b: Feed): number {
  return Array.from(a.data as Iterable<number>).reduce(
    (sum, value, k) => sum + Number(value) * Number(b.data[k]),
    0,
  )
}
/** In the gradient itself a wrong type is a fault of the rule; only Celu's own schema allows float32 alone. */
const noKernel =
  /NOT_IMPLEMENTED|Could not find an implementation|'tensor\(double\)' of input parameter \(x0\) of operator \(Celu\)/
/** The operator under test may be one that is not defined for doubles. */
const notOfDouble =
  /NOT_IMPLEMENTED|does not support double|bound to different types .tensor.double|Could not find an implementation|Type 'tensor\(double\)' of input/

/** ONNX Runtime's reason when it only lacks a kernel for the type; anything else is a failure. */
function kernelMissing(error: unknown, lacks = noKernel): string {
  if (error instanceof GauntletError && error.code === 'GNT_MODEL_RUN') {
    const reason = error.detail.got ?? ''
    if (lacks.test(reason)) return reason
  }
  throw error
}
