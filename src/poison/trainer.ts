import { GauntletError } from '../errors.js'
import type { Graph, Tensor } from '../graph/ir.js'
import { upgrade } from '../graph/opset.js'
import { parameterOf, setParameters } from '../graph/passes/parameters.js'
import { rebatch } from '../graph/passes/rebatch.js'
import { renameValues } from '../graph/passes/rename.js'
import { bindInputs, pick } from '../graph/passes/select.js'
import { elementCount, floats, tensorOfFloats } from '../graph/tensor.js'
import { probeShapes } from '../model/probe.js'
import { encodeModel } from '../onnx/encode.js'
import { Session, type Feed, type SessionOptions } from '../runtime/session.js'
import type { Differentiable } from '../step/compile.js'
import { compileTraining, trainingNames, type TrainingOptions } from '../step/train.js'
import { createRng } from '../util/rng.js'

export interface StepResult {
  /** Mean loss of the batch, and its logits (N, K), under the weights before the update. */
  readonly loss: number
  readonly logits: Float32Array
}

/** A classifier in training: its compiled step, and its weights and momentum between the steps. */
export class Trainer {
  /** The network as it was given, values called `m/…`; `weights` feeds what `freeDifferentiable` frees of it. */
  readonly model: Differentiable
  /** Names of the trained constants in `model`. */
  readonly parameters: readonly string[]
  readonly #session: Session
  readonly #source: Graph
  readonly #weights = new Map<string, Tensor>()
  readonly #momentum = new Map<string, Tensor>()

  private constructor(
    source: Graph,
    model: Differentiable,
    parameters: string[],
    session: Session,
  ) {
    this.#source = source
    this.model = model
    this.parameters = parameters
    this.#session = session
    for (const name of parameters) {
      const tensor = parameterOf(model.graph, name)
      this.#weights.set(name, tensor)
      this.#momentum.set(name, tensorOfFloats(tensor.dims, new Float32Array(floats(tensor).length)))
    }
  }

  /**
   * @param graph - a classifier with one float32 input (N, ...sample) of known sample shape and logits (N, K) as its
   *   output; not modified
   * @throws GNT_MODEL_UNSUPPORTED for another form; what `compileTraining` throws
   */
  static async open(
    graph: Graph,
    options: TrainingOptions,
    session: SessionOptions = {},
  ): Promise<Trainer> {
    const model = await differentiableOf(graph)
    const parameters = options.parameters.map(inner)
    const { graph: step } = compileTraining(model, { ...options, parameters })
    return new Trainer(graph, model, parameters, await Session.open(encodeModel(step), session))
  }

  /** The current weights as inputs of a graph compiled of `freeDifferentiable(model, parameters)`. */
  get weights(): Record<string, Feed> {
    return Object.fromEntries([...this.#weights].map(([name, tensor]) => [name, feedOf(tensor)]))
  }

  /** Wall seconds inside ONNX Runtime so far. */
  get seconds(): number {
    return this.#session.seconds
  }

  /**
   * One step on one batch.
   * @param x - (N, ...sample), C order
   * @param labels - N class indices
   */
  async train(
    x: Float32Array,
    labels: ArrayLike<number>,
    learningRate: number,
  ): Promise<StepResult> {
    const { model } = this
    const momentum = [...this.#momentum].map(([name, tensor]) => [
      trainingNames.momentum(name),
      feedOf(tensor),
    ])
    const out = await this.#session.run({
      [model.input]: { dtype: 'float32', dims: [labels.length, ...model.sampleShape], data: x },
      labels: {
        dtype: 'int64',
        dims: [labels.length],
        data: BigInt64Array.from(Array.from(labels), BigInt),
      },
      learning_rate: { dtype: 'float32', dims: [], data: Float32Array.of(learningRate) },
      ...this.weights,
      ...Object.fromEntries(momentum),
    })
    for (const name of this.parameters) {
      this.#weights.set(name, tensorOf(out, trainingNames.next(name)))
      this.#momentum.set(name, tensorOf(out, trainingNames.nextMomentum(name)))
    }
    return { loss: dataOf(out, 'loss')[0] ?? NaN, logits: dataOf(out, 'logits') }
  }

  /** The graph that was given, with the weights of now. */
  graph(): Graph {
    const outer = [...this.#weights].map(
      ([name, tensor]) => [name.slice(prefix.length), tensor] as const,
    )
    return setParameters(this.#source, new Map(outer))
  }

  async close(): Promise<void> {
    await this.#session.close()
  }
}

const prefix = 'm/'
/** The model's own names could be those of the inputs and outputs that a compiled graph adds. */
export const inner = (name: string): string => `${prefix}${name}`

export async function differentiableOf(graph: Graph): Promise<Differentiable> {
  const input = pick(graph.inputs, undefined, 'input')
  const output = pick(graph.outputs, undefined, 'output')
  const sampleShape = input.dims?.slice(1) ?? []
  if (input.dtype !== 'float32' || !isFixed(sampleShape) || sampleShape.length === 0)
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: 'only a network with one float32 input of known sample shape can be trained',
      where: `input ${input.name}`,
      got: `${input.dtype} [${(input.dims ?? ['?']).map((size) => size ?? '?').join(', ')}]`,
      expected: 'float32 [N, …]',
    })
  const renamed = renameValues(bindInputs(graph, input.name, {}), inner)
  const fixed = input.dims?.[0]
  const free = rebatch(renamed, inner(input.name), typeof fixed === 'number' ? fixed : null)
  const feed = (n: number): Record<string, Feed> => {
    const dims = [n, ...sampleShape]
    const rng = createRng('probe', ...dims)
    const data = Float32Array.from({ length: elementCount(dims) }, () => rng.uniform())
    return { [inner(input.name)]: { dtype: 'float32', dims, data } }
  }
  const shapes = await probeShapes(free, null, feed)
  const upgraded = upgrade(free, new Map([...shapes].map(([name, info]) => [name, info.shape])))
  const infos = await probeShapes(upgraded, null, feed)
  const shape = infos.get(inner(output.name))?.shape ?? []
  const classes = shape[1]
  if (shape.length !== 2 || typeof classes !== 'number' || classes < 2)
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: 'only a classifier with one logit for each class can be trained',
      where: `output ${output.name}`,
      got: `${shape.length} axes`,
      expected: '[N, K] with K from 2',
    })
  return {
    graph: upgraded,
    infos,
    input: inner(input.name),
    logits: inner(output.name),
    classes,
    sampleShape,
    batch: null,
  }
}

const isFixed = (dims: readonly unknown[]): dims is readonly number[] =>
  dims.every((size) => typeof size === 'number')

function feedOf(tensor: Tensor): Feed {
  return { dtype: 'float32', dims: tensor.dims, data: floats(tensor) }
}

function dataOf(outputs: Readonly<Record<string, Feed>>, name: string): Float32Array {
  return outputs[name]?.data as Float32Array
}

function tensorOf(outputs: Readonly<Record<string, Feed>>, name: string): Tensor {
  return tensorOfFloats(outputs[name]?.dims ?? [], dataOf(outputs, name))
}
