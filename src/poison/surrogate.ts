import { GauntletError } from '../errors.js'
import type { Graph } from '../graph/ir.js'
import { elementCount } from '../graph/tensor.js'
import { featureGraph, penultimate } from '../model/penultimate.js'
import type { PrepareOptions } from '../model/prepare.js'
import { prepareTraining, type TrainableModel } from '../model/training.js'
import { inferenceForm } from '../model/training-form.js'
import { probeShapes } from '../model/probe.js'
import { encodeModel } from '../onnx/encode.js'
import { Session, type Feed, type SessionOptions } from '../runtime/session.js'
import { compileGradient, type Differentiable } from '../step/compile.js'
import {
  compileFeatureGradient,
  compileParameterGradients,
  compilePull,
  secondOrderNames,
} from '../step/second-order.js'
import { chooseParameters, type Trained } from './parameters.js'
import type { Alignment, Surrogate } from './types.js'

export interface SurrogateOptions extends SessionOptions {
  /**
   * What training changes, by name; `head`: the last linear layer alone. Where the second derivative of the others
   * cannot be had, the head's are used, and `note` says so.
   */
  readonly parameters: Trained
  /** How samples become the network's input. */
  readonly input?: PrepareOptions | undefined
  readonly note?: ((text: string) => void) | undefined
}

type Labelled = Parameters<Surrogate['alignment']>[0]

/** Samples of one call. */
const mostRows = 128

/** The attacker's network, and what poisons ask of it. Each graph is compiled when it is first needed. */
export class NetworkSurrogate implements Surrogate {
  readonly featureWidth: number
  readonly #model: Differentiable
  readonly #features: Graph
  readonly #head: readonly string[]
  /** What training changes. */
  readonly #parameters: readonly string[]
  readonly #options: SurrogateOptions
  readonly #sessions = new Map<string, Promise<Session>>()
  #second: Promise<SecondOrder> | undefined
  #wanted: { readonly of: Labelled; readonly gradient: ParameterVector } | undefined

  private constructor(
    { model, inner }: TrainableModel,
    parameters: readonly string[],
    options: SurrogateOptions,
  ) {
    this.#model = model
    this.#parameters = parameters.map(inner)
    this.#options = options
    const found = penultimate(model.graph, model.logits)
    this.featureWidth = found.width
    this.#features = featureGraph(model.graph, found)
    const { weight, bias } = found.layer
    this.#head = [weight, bias ?? ''].filter((name) => name in model.graph.initializers)
  }

  /**
   * @param graph - a trained classifier with one float32 input (N, ...sample) and logits (N, K) as its output
   * @throws GNT_MODEL_UNSUPPORTED for another form, or a network without a linear layer at its end
   */
  static async open(graph: Graph, options: SurrogateOptions): Promise<NetworkSurrogate> {
    const { input = {}, parameters } = options
    const chosen = chooseParameters(inferenceForm(graph).graph, parameters, input.output)
    const names = chosen.map(({ name }) => name)
    return new NetworkSurrogate(await prepareTraining(graph, names, input), names, options)
  }

  scores(x: Float32Array): Promise<Float32Array> {
    const { graph, logits } = this.#model
    const forward = { ...graph, outputs: [{ name: logits, dtype: 'float32' as const, dims: null }] }
    return this.#byRows(x, 'scores', async () => forward, logits)
  }

  features(x: Float32Array): Promise<Float32Array> {
    const [output] = this.#features.outputs
    return this.#byRows(x, 'features', async () => this.#features, output!.name)
  }

  lossGradient(x: Float32Array, labels: ArrayLike<number>): Promise<Float32Array> {
    const compile = async (): Promise<Graph> =>
      compileGradient(this.#model, { loss: 'ce', targeted: false }).graph
    return this.#byRows(x, 'loss', compile, 'gradient', (from, n) => ({
      labels: labelsFeed(labels, from, n),
    }))
  }

  featureGradient(x: Float32Array, direction: Float32Array): Promise<Float32Array> {
    const width = this.featureWidth
    const compile = async (): Promise<Graph> => {
      const infos = await probeShapes(this.#features, null, (n) => this.#feed(this.#noise(n), n))
      return compileFeatureGradient({ graph: this.#features, infos }, this.#model, width)
    }
    return this.#byRows(x, 'feature gradient', compile, 'gradient', (from, n) => ({
      direction: {
        dtype: 'float32',
        dims: [n, width],
        data: direction.subarray(from * width, (from + n) * width),
      },
    }))
  }

  async alignment(poisons: Labelled, wanted: Labelled, strength = 0): Promise<Alignment> {
    const second = await (this.#second ??= this.#openSecond())
    const towards = await this.#wantedGradient(wanted, second)
    const own = await this.#parameterGradient(poisons, second)
    const [length, goal] = [norm(own), norm(towards)]
    // A network that is sure of all its samples has no gradient to turn: nothing is known of the direction.
    if (length === 0 || goal === 0)
      return { loss: 1, cosine: 0, gradient: new Float32Array(poisons.x.length) }
    const cosine = dot(own, towards) / (length * goal)
    // ∂(1 − cos)/∂g = −(w/‖w‖ − cos·g/‖g‖)/‖g‖; g is a sum over the poisons, as is what is pulled. ∂log‖g‖/∂g = g/‖g‖².
    const pull = own.map((part, k) =>
      part.map(
        (value, i) => -(towards[k]![i]! / goal + ((strength - cosine) * value) / length) / length,
      ),
    )
    const feeds = Object.fromEntries(
      second.parameters.map((name, k) => [
        secondOrderNames.pull(name),
        { dtype: 'float32', dims: second.dims[k]!, data: Float32Array.from(pull[k]!) } as Feed,
      ]),
    )
    const gradient = await this.#byRows(
      poisons.x,
      'pull',
      async () => second.pull,
      'gradient',
      (from, n) => ({ labels: labelsFeed(poisons.labels, from, n), ...feeds }),
    )
    const mean = length / poisons.labels.length
    return { loss: 1 - cosine - (strength > 0 ? strength * Math.log(mean) : 0), cosine, gradient }
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).close()
  }

  /** The wanted gradient stays the same over all steps of a crafting: it is computed once. */
  async #wantedGradient(wanted: Labelled, second: SecondOrder): Promise<ParameterVector> {
    const known = this.#wanted
    if (known && sameValues(known.of.x, wanted.x) && sameValues(known.of.labels, wanted.labels))
      return known.gradient
    const gradient = await this.#parameterGradient(wanted, second)
    this.#wanted = {
      of: { x: wanted.x.slice(), labels: Int32Array.from(Array.from(wanted.labels)) },
      gradient,
    }
    return gradient
  }

  async #parameterGradient({ x, labels }: Labelled, second: SecondOrder): Promise<ParameterVector> {
    const session = await this.#session('parameters', async () => second.first)
    const sums = second.dims.map((dims) => new Float64Array(elementCount(dims)))
    await this.#forChunks(x, async (part, from, n) => {
      const out = await session.run({ ...this.#feed(part, n), labels: labelsFeed(labels, from, n) })
      second.parameters.forEach((name, k) => {
        const sum = sums[k]!
        const values = out[secondOrderNames.gradient(name)]!.data as Float32Array
        values.forEach((value, i) => (sum[i]! += value))
      })
    })
    return sums
  }

  async #openSecond(): Promise<SecondOrder> {
    const { parameters, note } = this.#options
    if (parameters === 'head') return this.#secondOf(this.#head)
    try {
      return await this.#secondOf(this.#parameters)
    } catch (error) {
      if (!(error instanceof GauntletError) || this.#head.length === 0) throw error
      const { what, where } = error.detail
      note?.(
        `poisons are aligned with the gradient of the last layer alone; of all parameters there is none: ${what} (${where})`,
      )
      return this.#secondOf(this.#head)
    }
  }

  async #secondOf(parameters: readonly string[]): Promise<SecondOrder> {
    const first = compileParameterGradients(this.#model, parameters)
    const infos = await probeShapes(first, null, (n) => ({
      ...this.#feed(this.#noise(n), n),
      labels: labelsFeed(new Int32Array(n), 0, n),
    }))
    const pull = compilePull({ graph: first, infos }, this.#model, parameters)
    const dims = parameters.map((name) => this.#model.graph.initializers[name]!.dims)
    return { parameters, dims, first, pull }
  }

  #feed(x: Float32Array, n: number): Record<string, Feed> {
    const { input, sampleShape } = this.#model
    return { [input]: { dtype: 'float32', dims: [n, ...sampleShape], data: x } }
  }

  #noise(n: number): Float32Array {
    const size = elementCount(this.#model.sampleShape)
    return Float32Array.from({ length: n * size }, (_, i) => ((i * 7919) % 101) / 101)
  }

  #session(key: string, compile: () => Promise<Graph>): Promise<Session> {
    const open = async (): Promise<Session> =>
      Session.open(encodeModel(await compile()), this.#options)
    const session = this.#sessions.get(key) ?? open()
    this.#sessions.set(key, session)
    return session
  }

  async #forChunks(
    x: Float32Array,
    visit: (part: Float32Array, from: number, n: number) => Promise<void>,
  ): Promise<void> {
    const size = elementCount(this.#model.sampleShape)
    const count = x.length / size
    for (let from = 0; from < count; from += mostRows) {
      const n = Math.min(mostRows, count - from)
      await visit(x.subarray(from * size, (from + n) * size), from, n)
    }
  }

  /** One output of a graph for all samples, a few at a time. */
  async #byRows(
    x: Float32Array,
    key: string,
    compile: () => Promise<Graph>,
    name: string,
    more: (from: number, n: number) => Readonly<Record<string, Feed>> = () => ({}),
  ): Promise<Float32Array> {
    const session = await this.#session(key, compile)
    const count = x.length / elementCount(this.#model.sampleShape)
    let out = new Float32Array(0)
    await this.#forChunks(x, async (part, from, n) => {
      const values = (await session.run({ ...this.#feed(part, n), ...more(from, n) }))[name]!
        .data as Float32Array
      if (from === 0) out = new Float32Array((count * values.length) / n)
      out.set(values, (from * values.length) / n)
    })
    return out
  }
}

/** A vector over all parameters, in their parts. */
type ParameterVector = readonly Float64Array[]

interface SecondOrder {
  readonly parameters: readonly string[]
  readonly dims: readonly (readonly number[])[]
  readonly first: Graph
  readonly pull: Graph
}

function dot(a: ParameterVector, b: ParameterVector): number {
  return a.reduce((sum, part, k) => part.reduce((s, value, i) => s + value * b[k]![i]!, sum), 0)
}

const norm = (a: ParameterVector): number => Math.sqrt(dot(a, a))

function sameValues(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

function labelsFeed(labels: ArrayLike<number>, from: number, n: number): Feed {
  const data = BigInt64Array.from({ length: n }, (_, i) => BigInt(labels[from + i] ?? 0))
  return { dtype: 'int64', dims: [n], data }
}
