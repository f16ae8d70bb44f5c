import { dirname } from 'node:path'
import { GauntletError } from '../errors.js'
import type { Value } from '../graph/ir.js'
import { attackedInput } from '../graph/passes/preprocess.js'
import { isFixed } from '../graph/shapes.js'
import { openForward, openStep } from '../model/sessions.js'
import { prepareNetwork, type PreparedNetwork } from '../model/prepare.js'
import { loadModel, type LoadedModel } from '../onnx/load.js'
import { Session, type Feed } from '../runtime/session.js'
import { compileDescent } from '../step/descent.js'
import { located } from '../util/located.js'

/** Why a network has no compiled gradient; the search goes on without. */
const gradientless = new Set(['GNT_GRAD_NO_RULE', 'GNT_GRAD_CUT', 'GNT_GRAPH_DYNAMIC_SHAPE'])

/**
 * A network whose properties are to be falsified: the file as it is, which judges; the same with a free batch, and one
 * step down a margin, which search. Sessions are opened when they are first asked for.
 */
export class FalsifiedNetwork {
  readonly path: string
  /** Numbers of one sample, and of what the network makes of it. */
  readonly inputs: number
  readonly outputs: number
  readonly sampleShape: readonly number[]
  /** Rows every call must have, or null where any number will do. */
  readonly batch: number | null
  readonly notes: string[]
  readonly #model: LoadedModel
  readonly #prepared: PreparedNetwork
  readonly #forward: Session
  readonly #descents = new Map<boolean, Session | null>()
  readonly #judges: Session[] = []

  private constructor(
    path: string,
    model: LoadedModel,
    prepared: PreparedNetwork,
    forward: Session,
  ) {
    this.path = path
    this.#model = model
    this.#prepared = prepared
    this.#forward = forward
    this.sampleShape = prepared.sampleShape
    this.batch = prepared.batch
    this.inputs = prepared.sampleShape.reduce((a, b) => a * b, 1)
    const shape = prepared.infos.get(prepared.forwardOutput)!.shape
    const numbers = shape.map((size) => (isFixed(size) ? size : size.perBatch))
    this.outputs = numbers.reduce((a, b) => a * b, 1) / (prepared.batch ?? 1)
    this.notes = [...prepared.notes]
  }

  /** @throws GNT_FILE, GNT_MODEL_FORMAT, GNT_MODEL_UNSUPPORTED, GNT_MODEL_RUN */
  static async open(path: string): Promise<FalsifiedNetwork> {
    const model = await loadModel(path)
    try {
      checkForm(model)
      const prepared = await prepareNetwork(model.graph)
      return new FalsifiedNetwork(path, model, prepared, await openForward(prepared))
    } catch (error) {
      throw located(error, path)
    }
  }

  /** Rows of a call for `n` points. */
  rowsFor(n: number): number {
    return this.batch ?? n
  }

  /** A number for each value of `rows` samples, in the form that sessions take. */
  samples(data: Float32Array, rows: number): Feed {
    return { dtype: 'float32', dims: [rows, ...this.sampleShape], data }
  }

  /** Outputs (n, outputs) of points (n, inputs), in a batch: not yet what the file itself says. */
  async forward(x: Float32Array, n: number): Promise<Float32Array> {
    const most = this.batch ?? n
    const y = new Float32Array(n * this.outputs)
    for (let from = 0; from < n; from += most) {
      const part = x.subarray(from * this.inputs, (from + most) * this.inputs)
      const results = await this.#forward.run({ [attackedInput]: this.samples(part, most) })
      y.set(results[this.#prepared.forwardOutput]!.data as Float32Array, from * this.outputs)
    }
    return y
  }

  /** The name of the point among the inputs of a descent. */
  get descentInput(): string {
    return this.#prepared.input
  }

  /** The step of `compileDescent`; null, with a note, where the network has no gradient. */
  async descent(readsInputs: boolean): Promise<Session | null> {
    const known = this.#descents.get(readsInputs)
    if (known !== undefined) return known
    const session = await this.#openDescent(readsInputs)
    this.#descents.set(readsInputs, session)
    return session
  }

  async #openDescent(readsInputs: boolean): Promise<Session | null> {
    try {
      const options = { outputs: this.outputs, readsInputs }
      const { graph } = compileDescent(this.#prepared, options)
      return await openStep(this.#prepared, graph)
    } catch (error) {
      if (!(error instanceof GauntletError) || !gradientless.has(error.code)) throw error
      const note = `no gradient, points are drawn only: ${error.message}`
      if (!this.notes.includes(note)) this.notes.push(note)
      return null
    }
  }

  /**
   * What the file itself says of a point, at a batch of 1: with ONNX Runtime's optimisations, and without, whose last
   * bits may differ.
   */
  async judge(x: Float32Array): Promise<readonly Float32Array[]> {
    const [input] = this.#model.graph.inputs
    const dims = input!.dims!.map((size) => (typeof size === 'number' ? size : 1))
    const answers: Float32Array[] = []
    for (const [i, optimization] of (['all', 'disabled'] as const).entries()) {
      this.#judges[i] ??= await Session.open(this.#model.bytes, {
        optimization,
        folder: dirname(this.path),
      })
      const results = await this.#judges[i].run({
        [input!.name]: { dtype: 'float32', dims, data: x },
      })
      answers.push(results[this.#model.graph.outputs[0]!.name]!.data as Float32Array)
    }
    return answers
  }

  async close(): Promise<void> {
    const sessions = [this.#forward, ...this.#judges, ...this.#descents.values()]
    for (const session of sessions) await session?.close()
    this.#prepared.weights.close()
  }
}

/** A property speaks of one input and one output, and of one sample. */
function checkForm({ graph: { inputs, outputs } }: LoadedModel): void {
  checkOne('input', inputs)
  checkOne('output', outputs)
  const { dims } = inputs[0]!
  const first = dims?.[0]
  if (first === 1 || first === null || typeof first === 'string') return
  throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
    what: 'the first axis of the input must be the batch',
    got: `shape [${dims?.map((size) => size ?? '?').join(', ') ?? 'unknown'}]`,
    expected: 'a batch of 1, or a free one',
  })
}

function checkOne(kind: 'input' | 'output', values: readonly Value[]): void {
  const got =
    values.length === 1
      ? `${values[0]!.name} of ${values[0]!.dtype}`
      : values.map(({ name }) => name).join(', ') || 'none'
  if (values.length === 1 && values[0]!.dtype === 'float32') return
  throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
    what: `VNN-LIB speaks of one ${kind}`,
    got,
    expected: `one ${kind} of float32`,
  })
}
