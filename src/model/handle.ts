import type { Feed, Session, SessionOptions } from '../runtime/session.js'
import {
  compileDirection,
  compileStep,
  type Compiled,
  type GradientOptions,
  type StepOptions,
} from '../step/compile.js'
import { steepest, type UpdateRule } from '../step/update-rule.js'
import { attackedInput } from '../graph/passes/preprocess.js'
import { openForward, openStep } from './sessions.js'
import type { PreparedModel } from './prepare.js'

/** A compiled step graph, ready to run. */
export interface StepProgram {
  readonly session: Session
  readonly approximations: readonly string[]
}

/**
 * A prepared model with its sessions: one forward session, and one for each step program that was
 * asked for. Everything a worker needs to attack it.
 */
export class ModelHandle {
  readonly prepared: PreparedModel
  readonly #forward: Session
  readonly #options: SessionOptions
  readonly #programs = new Map<string, Promise<StepProgram>>()
  /** Numbers of the update rules, in the order in which they came. */
  readonly #rules = new Map<UpdateRule, number>()
  #ownsWeights = true

  private constructor(prepared: PreparedModel, forward: Session, options: SessionOptions) {
    this.prepared = prepared
    this.#forward = forward
    this.#options = options
  }

  static async open(prepared: PreparedModel, options: SessionOptions = {}): Promise<ModelHandle> {
    const forward = await openForward(prepared, options)
    return new ModelHandle(prepared, forward, options)
  }

  /**
   * Another network over the weights of this one, on the same device: closing it leaves the weights, which last as long
   * as this handle.
   */
  async variant(prepared: Omit<PreparedModel, 'weights'>): Promise<ModelHandle> {
    const { weights } = this.prepared
    const handle = await ModelHandle.open({ ...prepared, weights }, this.#options)
    handle.#ownsWeights = false
    return handle
  }

  /** Number of classes, counting a single logit as two. */
  get classes(): number {
    return this.prepared.classes
  }

  /** Seconds inside ONNX Runtime over all sessions. */
  async seconds(): Promise<number> {
    const programs = await this.#compiled()
    return programs.reduce((sum, program) => sum + program.session.seconds, this.#forward.seconds)
  }

  /** The step program of these options; compiled once. @throws GNT_GRAD_NO_RULE, GNT_GRAD_CUT */
  step(options: StepOptions): Promise<StepProgram> {
    const { loss, norm, targeted, bounds, perValue = false, rule = steepest } = options
    if (!this.#rules.has(rule)) this.#rules.set(rule, this.#rules.size)
    const key = JSON.stringify([loss, targeted, norm, bounds, perValue, this.#rules.get(rule)])
    return this.#program(key, () => compileStep(this.prepared, options))
  }

  /** The gradient alone, scaled as `compileDirection` says; compiled once. @throws GNT_GRAD_NO_RULE, GNT_GRAD_CUT */
  direction(options: GradientOptions): Promise<StepProgram> {
    const key = JSON.stringify([options.loss, options.targeted])
    return this.#program(key, () => compileDirection(this.prepared, options))
  }

  #program(key: string, compile: () => Compiled): Promise<StepProgram> {
    let program = this.#programs.get(key)
    if (!program) {
      program = this.#open(compile)
      this.#programs.set(key, program)
    }
    return program
  }

  async #open(compile: () => Compiled): Promise<StepProgram> {
    const { graph, approximations } = compile()
    return { session: await openStep(this.prepared, graph, this.#options), approximations }
  }

  /** The programs that could be compiled: one that failed has told its caller, and concerns nobody else. */
  async #compiled(): Promise<StepProgram[]> {
    const settled = await Promise.allSettled(this.#programs.values())
    return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  }

  /**
   * Rows a call must have for `n` samples: the fixed batch if there is one; else at least 2, because a product
   * with a single row takes another kernel and rounds differently, and results must not depend on the batch.
   */
  rowsFor(n: number): number {
    return this.prepared.batch ?? Math.max(2, n)
  }

  /** Greatest number of samples one call takes. */
  rowsAtMost(batch: number): number {
    return this.prepared.batch ?? Math.max(1, batch)
  }

  /**
   * Scores of `n` samples, one row each of `classes` values whose argmax is the prediction.
   * @param x - (n, ...sample), C order, in the data set's units
   */
  async scores(x: Float32Array, n: number, batch: number): Promise<Float32Array> {
    const size = x.length / n
    const { classes, head, forwardOutput, sampleShape } = this.prepared
    const out = new Float32Array(n * classes)
    const most = this.rowsAtMost(batch)
    for (let from = 0; from < n; from += most) {
      const count = Math.min(most, n - from)
      const rows = this.rowsFor(count)
      const data = padRows(x.subarray(from * size, (from + count) * size), size, rows)
      const feed: Feed = { dtype: 'float32', dims: [rows, ...sampleShape], data }
      const result = (await this.#forward.run({ [attackedInput]: feed }))[forwardOutput]!
      const values = result.data as Float32Array
      if (head === 'binary-logit' || head === 'binary-sigmoid') {
        const middle = head === 'binary-logit' ? 0 : 0.5
        for (let i = 0; i < count; i++) out[(from + i) * 2 + 1] = values[i]! - middle
      } else out.set(values.subarray(0, count * classes), from * classes)
    }
    return out
  }

  /** The prepared model cannot be opened again. */
  async close(): Promise<void> {
    for (const program of await this.#compiled()) await program.session.close()
    await this.#forward.close()
    if (this.#ownsWeights) this.prepared.weights.close()
  }
}

/** `x` itself when it has `rows` rows, else a copy filled up with its first row. */
export function padRows(x: Float32Array, size: number, rows: number): Float32Array {
  if (x.length === rows * size) return x
  const padded = new Float32Array(rows * size)
  padded.set(x)
  for (let at = x.length; at < padded.length; at += size) padded.set(x.subarray(0, size), at)
  return padded
}

/** Index of the greatest of `count` values from `from` on; the first one on a tie. NaN never wins. */
export function argmax(values: Float32Array, from: number, count: number): number {
  let best = 0
  for (let k = 1; k < count; k++) if (values[from + k]! > values[from + best]!) best = k
  return best
}
