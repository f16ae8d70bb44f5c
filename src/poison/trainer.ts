import type { Graph } from '../graph/ir.js'
import { setParameters } from '../graph/passes/parameters.js'
import { drawMask } from '../graph/passes/train-mode.js'
import { elementCount, floats, tensorOfFloats } from '../graph/tensor.js'
import type { PrepareOptions } from '../model/prepare.js'
import { inferenceForm } from '../model/training-form.js'
import { prepareTraining, type TrainableModel } from '../model/training.js'
import { encodeModel } from '../onnx/encode.js'
import { convBlock } from '../model/conv-block.js'
import { Session, type Feed, type SessionOptions } from '../runtime/session.js'
import type { Differentiable } from '../step/compile.js'
import type { OptimizerSpec } from '../step/optimizers/index.js'
import { compileTraining, type CompiledTraining } from '../step/train.js'
import { createRng } from '../util/rng.js'
import { freshWeights } from './initial-weights.js'
import { chooseParameters, type Trained } from './parameters.js'

export interface TrainerOptions {
  /** Mean over the batch. Default `ce`. */
  readonly loss?: 'ce' | undefined
  /** Default `all`. */
  readonly parameters?: Trained | undefined
  readonly optimizer: OptimizerSpec
  /** Greatest Euclidean norm of all gradients together. Default: none. */
  readonly clipNorm?: number | undefined
  /** What the training begins with: the weights of the file (fine-tuning), or new ones. Default `given`. */
  readonly weights?: 'given' | 'fresh' | undefined
  /** Of new weights and of what Dropout drops. Default 0. */
  readonly seed?: number | undefined
  /** How samples become the network's input, as for an attack. */
  readonly input?: PrepareOptions | undefined
}

export interface StepResult {
  /** Mean loss of the batch, and its logits (N, K), in training mode under the weights before the update. */
  readonly loss: number
  readonly logits: Float32Array
}

/** A classifier in training: its compiled step, and what lives from step to step. */
export class Trainer {
  /**
   * The network as it is run, its weights as they were given; `weights` feeds what `freeDifferentiable` frees of it.
   * Values are called `m/…`.
   */
  readonly model: Differentiable
  /** Names of the trained constants in `model`. */
  readonly parameters: readonly string[]
  /** The same constants as the file calls them. */
  readonly names: readonly string[]
  /** Rows that a batch must have: two where a BatchNormalization reads its statistics. */
  readonly leastRows: number
  readonly #source: Graph
  readonly #compiled: CompiledTraining
  readonly #session: Session
  readonly #seed: number
  readonly #outer: ReadonlyMap<string, string>
  /** Weights, running statistics and buffers, by their inputs. */
  readonly #state = new Map<string, Feed>()
  /** Where the next step writes them, by its outputs: what a step reads and what it writes take turns. */
  readonly #next = new Map<string, Feed>()
  #steps = 0

  private constructor(
    source: Graph,
    { model, inner }: TrainableModel,
    names: readonly string[],
    compiled: CompiledTraining,
    session: Session,
    seed: number,
  ) {
    this.model = model
    this.parameters = names.map(inner)
    this.names = names
    this.leastRows = compiled.readsBatch ? 2 : 1
    this.#source = source
    this.#compiled = compiled
    this.#session = session
    this.#seed = seed
    this.#outer = new Map(Object.keys(source.initializers).map((name) => [inner(name), name]))
    for (const { input, output, initial, dims } of compiled.states) {
      const tensor = initial === null ? undefined : model.graph.initializers[initial]
      const data = tensor ? floats(tensor).slice() : new Float32Array(elementCount(dims))
      this.#state.set(input, { dtype: 'float32', dims, data })
      this.#next.set(output, { dtype: 'float32', dims, data: new Float32Array(data.length) })
    }
  }

  /**
   * @param graph - a classifier of one float32 input (N, …sample); not modified. It may have been exported for
   *   inference: Dropout and BatchNormalization are trained as such all the same, where the exporter left them
   * @throws GNT_MODEL_UNSUPPORTED for another form; what `compileTraining` throws
   */
  static async open(
    graph: Graph,
    options: TrainerOptions,
    session: SessionOptions = {},
  ): Promise<Trainer> {
    const { seed = 0, parameters: trained = 'all', weights = 'given' } = options
    const parameters = chooseParameters(inferenceForm(graph).graph, trained, options.input?.output)
    const names = parameters.map(({ name }) => name)
    const begun = weights === 'fresh' ? freshWeights(graph, parameters, seed) : graph
    const trainable = await prepareTraining(begun, names, options.input)
    const compiled = compileTraining(trainable.model, {
      ...options,
      parameters: names.map(trainable.inner),
      dropouts: trainable.dropouts,
      cpu: (session.provider ?? 'cpu') === 'cpu' ? { block: await convBlock() } : undefined,
    })
    const opened = await Session.open(encodeModel(compiled.graph), session)
    const source = inferenceForm(begun).graph
    return new Trainer(source, trainable, names, compiled, opened, seed)
  }

  /**
   * The current weights as inputs of a graph compiled of `freeDifferentiable(model, parameters)`. They are good until the
   * next step, which writes over the ones before.
   */
  get weights(): Record<string, Feed> {
    return Object.fromEntries(this.parameters.map((name) => [name, this.#state.get(name)!]))
  }

  /** Wall seconds inside ONNX Runtime so far. */
  get seconds(): number {
    return this.#session.seconds
  }

  /**
   * One step on one batch.
   * @param x - (N, ...sample), C order, in the data's units
   * @param labels - N class indices
   */
  async train(
    x: Float32Array,
    labels: ArrayLike<number>,
    learningRate: number,
  ): Promise<StepResult> {
    const { model } = this
    const scalars = { learning_rate: learningRate, ...this.#compiled.scalarsAt(++this.#steps) }
    const feeds: Record<string, Feed> = {
      [model.input]: { dtype: 'float32', dims: [labels.length, ...model.sampleShape], data: x },
      labels: {
        dtype: 'int64',
        dims: [labels.length],
        data: BigInt64Array.from(Array.from(labels), BigInt),
      },
      ...Object.fromEntries(
        Object.entries(scalars).map(([name, value]) => [name, scalarFeed(value)]),
      ),
      ...this.#masks(labels.length),
      ...Object.fromEntries(this.#state),
    }
    const out = await this.#session.run(feeds, Object.fromEntries(this.#next))
    for (const { input, output } of this.#compiled.states) {
      const [before, after] = [this.#state.get(input)!, this.#next.get(output)!]
      this.#state.set(input, after)
      this.#next.set(output, before)
    }
    return { loss: dataOf(out, 'loss')[0] ?? NaN, logits: dataOf(out, 'logits') }
  }

  /** What Dropout drops in this step: a stream for each node and step. */
  #masks(rows: number): Record<string, Feed> {
    return Object.fromEntries(
      this.#compiled.masks.map((mask) => {
        const rng = createRng('dropout', this.#seed, mask.input, this.#steps)
        const drawn = drawMask(mask, rows, (out) => rng.fillUniform(out, 0, 1))
        return [mask.input, { dtype: 'float32', ...drawn }]
      }),
    )
  }

  /** The graph that was given, in inference form, with the weights and running statistics of now. */
  graph(): Graph {
    const values = [...this.#outer].flatMap(([inner, name]) => {
      const state = this.#state.get(inner)
      return state ? [[name, tensorOfFloats(state.dims, state.data as Float32Array)] as const] : []
    })
    return setParameters(this.#source, new Map(values))
  }

  async close(): Promise<void> {
    await this.#session.close()
  }
}

const scalarFeed = (value: number): Feed => ({
  dtype: 'float32',
  dims: [],
  data: Float32Array.of(value),
})

const dataOf = (outputs: Readonly<Record<string, Feed>>, name: string): Float32Array =>
  outputs[name]?.data as Float32Array
