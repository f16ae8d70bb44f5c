import { backward } from '../../src/autodiff/grad.js'
import { GauntletError } from '../../src/errors.js'
import { GraphBuilder } from '../../src/graph/builder.js'
import type { Graph, Tensor, Value } from '../../src/graph/ir.js'
import { upgrade } from '../../src/graph/opset.js'
import type { ValueInfos } from '../../src/graph/shapes.js'
import { elementCount, isFloating, numbers } from '../../src/graph/tensor.js'
import { verify } from '../../src/graph/verify.js'
import { lowerAll } from '../../src/model/lower.js'
import { decodeModel } from '../../src/onnx/decode.js'
import { encodeModel } from '../../src/onnx/encode.js'
import { Session, type Feed } from '../../src/runtime/session.js'
import { createRng } from '../../src/util/rng.js'
import type { BackendCase } from './backend-cases.js'
import { retype, type Precision } from './backend-retype.js'

/**
 * - `covered`: every gradient agrees with a central difference of the model itself;
 * - `zero`: nothing flows, and the output does not change; `straightThrough`: a surrogate, which no difference can judge;
 * - `kink`: the differences themselves do not settle, at the case's point or near it;
 * - `refused`: an error of the compiler; `notFloat`: nothing to differentiate; `noKernel`: ONNX Runtime cannot run it.
 */
export type OutcomeKind =
  'covered' | 'zero' | 'straightThrough' | 'kink' | 'refused' | 'notFloat' | 'noKernel' | 'failed'

export interface Outcome {
  readonly kind: OutcomeKind
  readonly detail: string
}

/** A model with its data bound: float inputs stay inputs, all others are constants. */
interface Bound {
  readonly graph: Graph
  readonly point: Readonly<Record<string, readonly number[]>>
  readonly dims: Readonly<Record<string, readonly number[]>>
}

/** Largest deviation, relative to Σ |gradient · direction| and at least to 1, and the step of the difference. */
const settings = {
  float64: { tolerance: 1e-6, step: 1e-4 },
  float32: { tolerance: 1e-2, step: 1e-2 },
} as const

/** Float inputs that say how rather than what: only constants make sense there. */
const constantsOnly: Readonly<Record<string, readonly number[]>> = {
  Dropout: [1],
  Resize: [1, 2],
  Upsample: [1],
  QuantizeLinear: [1],
  DequantizeLinear: [1],
  QLinearConv: [1, 4, 6],
  QLinearMatMul: [1, 4, 6],
  RoiAlign: [1],
  MaxRoiPool: [1],
  CastLike: [1],
  Range: [0, 1, 2],
  MelWeightMatrix: [3, 4],
}

/** Outputs that count as constants: the scale that a batch chooses for itself. */
const uncounted: Readonly<Record<string, readonly number[]>> = { DynamicQuantizeLinear: [1, 2] }

/** Draws another output in each run. */
const random = /^(RandomNormal|RandomUniform)(Like)?$|^Bernoulli$|^Multinomial$/

/** Differentiates the model with respect to every float input and compares with differences of the model itself. */
export async function checkBackendCase(one: BackendCase): Promise<Outcome> {
  try {
    const bound = bind(one)
    if ('kind' in bound) return bound
    if (bound.graph.nodes.some((node) => random.test(node.op)))
      return { kind: 'notFloat', detail: 'random numbers' }
    const double = await compareAt(bound, 'float64')
    return double.kind === 'noKernel' ? await compareAt(bound, 'float32') : double
  } catch (error) {
    return refusal(error)
  }
}

function bind({ model, inputs }: BackendCase): Bound | Outcome {
  const graph = upgrade(fromOpset7(decodeModel(model)))
  if (graph.inputs.length > inputs.length) return notFloat('no data for its inputs')
  const point: Record<string, readonly number[]> = {}
  const dims: Record<string, readonly number[]> = {}
  const constants: Record<string, Tensor> = {}
  for (const [k, { name }] of graph.inputs.entries()) {
    const tensor = inputs[k]
    if (!tensor) return notFloat('an input that is no tensor of numbers')
    const isSetting = graph.nodes.some((node) =>
      constantsOnly[node.op]?.some((index) => node.inputs[index] === name),
    )
    if (isFloating(tensor.dtype) && !isSetting && elementCount(tensor.dims) > 0) {
      point[name] = Array.from(numbers(tensor))
      dims[name] = tensor.dims
    } else constants[name] = tensor
  }
  if (Object.keys(point).length === 0) return notFloat('no float input')
  return {
    graph: {
      ...graph,
      inputs: graph.inputs.filter(({ name }) => point[name]),
      initializers: { ...graph.initializers, ...constants },
    },
    point,
    dims,
  }
}

const notFloat = (detail: string): Outcome => ({ kind: 'notFloat', detail })

/** A few published cases say opset 6, where these operators had the form that they have in 7. */
const sameInOpset7 =
  /^(Abs|AveragePool|Clip|Concat|Constant|Conv|ConvTranspose|Elu|Exp|Flatten|Gather|GlobalAveragePool|InstanceNormalization|LeakyRelu|Log|LogSoftmax|MatMul|MaxPool|Neg|Pad|ReduceMean|ReduceSum|Relu|Reshape|Selu|Sigmoid|Slice|Softmax|Softplus|Softsign|Split|Sqrt|Squeeze|Tanh|Transpose|Unsqueeze|PRelu|Shape|Identity|Cast)$/

function fromOpset7(graph: Graph): Graph {
  if (graph.opsets[''] !== 6 || !graph.nodes.every(({ op }) => sameInOpset7.test(op))) return graph
  return { ...graph, opsets: { ...graph.opsets, '': 7 } }
}

/** The model at one precision, ready to be run anywhere near its point. */
interface Trial {
  readonly bound: Bound
  readonly precision: Precision
  readonly forward: Session
  readonly lowered: Graph
  readonly infos: ValueInfos
  /** Weights of the float outputs: the loss is their weighted sum. */
  readonly weights: ReadonlyMap<string, Feed>
}

type Point = Readonly<Record<string, readonly number[]>>

async function compareAt(bound: Bound, precision: Precision): Promise<Outcome> {
  const graph = retype(bound.graph, precision)
  const feeds = feedsAt(bound, bound.point, precision)
  let forward: Session
  let first: Record<string, Feed>
  try {
    forward = await Session.open(encodeModel(graph), { optimization: 'disabled' })
  } catch (error) {
    return noKernel(error)
  }
  try {
    try {
      first = await forward.run(feeds)
    } catch (error) {
      return noKernel(error)
    }
    const weights = new Map(
      Object.entries(first).flatMap(([name, { dims, dtype }]) =>
        isFloating(dtype) && !isUncounted(graph, name)
          ? [[name, feedOf(dims, draw('weight', name, dims), precision)]]
          : [],
      ),
    )
    if (weights.size === 0) return notFloat('no float output')
    const { graph: lowered, infos } = await lowerAll(graph, 1, () => feeds)
    const trial: Trial = { bound, precision, forward, lowered, infos, weights }
    const outcomes: Outcome[] = []
    for (const name of Object.keys(bound.point)) outcomes.push(await checkInput(trial, name))
    const order: OutcomeKind[] = ['failed', 'refused', 'kink', 'covered', 'straightThrough', 'zero']
    for (const kind of order) {
      const found = outcomes.find((one) => one.kind === kind)
      if (found) return found
    }
    return outcomes[0]!
  } finally {
    await forward.close()
  }
}

const isUncounted = ({ nodes }: Graph, name: string): boolean =>
  nodes.some((node) => uncounted[node.op]?.some((index) => node.outputs[index] === name))

async function checkInput(trial: Trial, name: string): Promise<Outcome> {
  const compiled = compile(trial, name)
  if (!compiled) {
    // Nothing flows: then nothing may change, but for jumps.
    for (const point of pointsNear(trial, name)) {
      const slopes = await differences(trial, point, name)
      if (slopes?.every((slope) => Math.abs(slope) < 1e-6)) return { kind: 'zero', detail: '' }
    }
    return { kind: 'failed', detail: `the path of ${name} is cut, but the output changes` }
  }
  if (compiled.approximations.length > 0)
    return { kind: 'straightThrough', detail: compiled.approximations[0]! }
  let session: Session
  try {
    session = await Session.open(encodeModel(compiled.graph))
  } catch (error) {
    if (trial.precision === 'float64' && lacksKernel(error)) return noKernel(error)
    throw error
  }
  try {
    let last = ''
    for (const point of pointsNear(trial, name)) {
      const slopes = await differences(trial, point, name)
      if (!slopes) continue
      const error = await deviation(trial, session, point, name, slopes)
      if (error === null) return { kind: 'covered', detail: trial.precision }
      last = error
    }
    return last ? { kind: 'failed', detail: `${name}: ${last}` } : { kind: 'kink', detail: name }
  } finally {
    await session.close()
  }
}

/** Gradient of the weighted outputs with respect to one input; null where nothing flows. */
function compile(
  { lowered, infos, weights, precision }: Trial,
  name: string,
): { graph: Graph; approximations: readonly string[] } | null {
  const seeds = [...weights].map(([output, { dims }]): Value => ({
    name: `seed/${output}`,
    dtype: precision,
    dims: [...dims],
  }))
  const inputs = [...lowered.inputs, ...seeds]
  const g = new GraphBuilder({ ...lowered, inputs }, infos)
  try {
    const { gradients, approximations } = backward(g, {
      nodes: lowered.nodes,
      seeds: new Map([...weights.keys()].map((output) => [output, `seed/${output}`])),
      wrt: [name],
    })
    const gradient = g.emit('Identity', [gradients.get(name)!], {}, { name: 'the/gradient' })
    const output: Value = { name: gradient, dtype: precision, dims: null }
    return { graph: verify(g.finish(inputs, [output])), approximations }
  } catch (error) {
    if (error instanceof GauntletError && error.code === 'GNT_GRAD_CUT') return null
    throw error
  }
}

/** The case's own point, and some beside it: its data like round numbers, on which kinks lie. */
function pointsNear({ bound }: Trial, name: string): Point[] {
  const shifted = (k: number): Point => {
    const noise = createRng('beside', name, k)
    return {
      ...bound.point,
      [name]: bound.point[name]!.map((value) => value + 0.05 * (noise.uniform() - 0.5)),
    }
  }
  return [bound.point, shifted(1), shifted(2), shifted(3)]
}

const directions = 2

/** Slopes along the directions; null where two lengths of the step disagree. */
async function differences(trial: Trial, point: Point, name: string): Promise<number[] | null> {
  const { precision } = trial
  const { step } = settings[precision]
  const slopes: number[] = []
  for (let k = 0; k < directions; k++) {
    const direction = directionOf(trial, name, k)
    const at = async (by: number): Promise<number> => {
      const moved = point[name]!.map((value, j) => value + by * direction[j]!)
      return lossAt(trial, { ...point, [name]: moved })
    }
    const slope = async (h: number): Promise<number> => ((await at(h)) - (await at(-h))) / (2 * h)
    const [long, short] = [await slope(step), await slope(step / 2)]
    const allowed = (precision === 'float64' ? 1e-5 : 2e-2) * Math.max(1, Math.abs(short))
    if (!(Math.abs(long - short) <= allowed)) return null
    slopes.push((4 * short - long) / 3)
  }
  return slopes
}

/** The weighted sum of the model's float outputs. */
async function lossAt(
  { bound, forward, weights, precision }: Trial,
  point: Point,
): Promise<number> {
  const run = await forward.run(feedsAt(bound, point, precision))
  let sum = 0
  for (const [output, { data }] of weights) {
    const values = run[output]!.data
    for (let j = 0; j < data.length; j++) sum += Number(data[j]) * Number(values[j])
  }
  return sum
}

/** What is wrong with the gradient, or null. */
async function deviation(
  trial: Trial,
  session: Session,
  point: Point,
  name: string,
  slopes: readonly number[],
): Promise<string | null> {
  const { precision, bound } = trial
  const all: Record<string, Feed> = feedsAt(bound, point, precision)
  for (const [output, weight] of trial.weights) all[`seed/${output}`] = weight
  const needed = Object.fromEntries(session.inputs.map((one) => [one, all[one]!]))
  const { 'the/gradient': gradient } = await session.run(needed)
  if (gradient!.dims.join() !== bound.dims[name]!.join())
    return `shape [${gradient!.dims}] instead of [${bound.dims[name]}]`
  for (const [k, expected] of slopes.entries()) {
    const products = directionOf(trial, name, k).map((d, j) => d * Number(gradient!.data[j]))
    const value = products.reduce((a, b) => a + b, 0)
    const scale = products.reduce((a, b) => a + Math.abs(b), 0)
    const error = Math.abs(value - expected) / Math.max(1, scale)
    if (!(error <= settings[precision].tolerance))
      return `gradient ${value}, difference ${expected}`
  }
  return null
}

const directionOf = ({ bound }: Trial, name: string, k: number): number[] =>
  draw('direction', `${name}${k}`, bound.dims[name]!)

function draw(use: string, name: string, dims: readonly number[]): number[] {
  const rng = createRng(use, name)
  return Array.from({ length: elementCount(dims) }, () => 2 * rng.uniform() - 1)
}

function feedsAt({ dims }: Bound, point: Point, precision: Precision): Record<string, Feed> {
  return Object.fromEntries(
    Object.entries(point).map(([name, values]) => [name, feedOf(dims[name]!, values, precision)]),
  )
}

function feedOf(dims: readonly number[], values: readonly number[], dtype: Precision): Feed {
  return { dtype, dims, data: (dtype === 'float64' ? Float64Array : Float32Array).from(values) }
}

const lacksKernel = (error: unknown): boolean =>
  error instanceof GauntletError && error.code === 'GNT_MODEL_RUN'

function noKernel(error: unknown): Outcome {
  if (!lacksKernel(error)) throw error
  return { kind: 'noKernel', detail: (error as GauntletError).detail.got ?? '' }
}

function refusal(error: unknown): Outcome {
  if (error instanceof GauntletError && error.exitCode === 2 && error.code !== 'GNT_MODEL_RUN')
    return { kind: 'refused', detail: `${error.code}: ${error.message}` }
  return { kind: 'failed', detail: error instanceof Error ? error.message : String(error) }
}
