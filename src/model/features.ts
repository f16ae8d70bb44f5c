import { GauntletError } from '../errors.js'
import { attackedInput } from '../graph/passes/preprocess.js'
import type { Session, SessionOptions } from '../runtime/session.js'
import { padRows } from './handle.js'
import { openGraph } from './open.js'
import { featureGraph, penultimate } from './penultimate.js'
import type { PreparedNetwork } from './prepare.js'

/** Rows of one call. */
const mostRows = 256

/** The network up to its last linear layer: what detectors of poison and attacks on features look at. */
export class FeatureModel {
  /** Number of features of a sample. */
  readonly width: number
  readonly #prepared: PreparedNetwork
  readonly #session: Session

  private constructor(prepared: PreparedNetwork, width: number, session: Session) {
    this.#prepared = prepared
    this.width = width
    this.#session = session
  }

  /**
   * @param prepared - keeps its weights: they must be there for as long as this is open
   * @throws GNT_MODEL_UNSUPPORTED where the network has no linear layer at its end; GNT_MODEL_RUN
   */
  static async open(
    prepared: PreparedNetwork,
    options: SessionOptions = {},
  ): Promise<FeatureModel> {
    const { forward, forwardOutput, weights } = prepared
    const found = penultimate(forward, forwardOutput)
    const session = await openGraph(featureGraph(forward, found), weights, options)
    return new FeatureModel(prepared, found.width, session)
  }

  /**
   * Features of `n` samples, (n, width): the input of the last linear layer, averaged over its positions if there are any.
   * @param x - (n, ...sample), C order, in the data set's units
   */
  async features(x: Float32Array, n: number): Promise<Float32Array> {
    const { sampleShape, batch } = this.#prepared
    const size = x.length / n
    const out = new Float32Array(n * this.width)
    const most = batch ?? mostRows
    for (let from = 0; from < n; from += most) {
      const count = Math.min(most, n - from)
      // A single row takes other kernels and rounds differently: see `ModelHandle.rowsFor`.
      const rows = batch ?? Math.max(2, count)
      const data = padRows(x.subarray(from * size, (from + count) * size), size, rows)
      const feed = { dtype: 'float32', dims: [rows, ...sampleShape], data } as const
      const values = (await this.#session.run({ [attackedInput]: feed }))['gauntlet_features']
      out.set(this.#rowsOf(values?.data as Float32Array, rows, count), from * this.width)
    }
    return out
  }

  #rowsOf(values: Float32Array, rows: number, count: number): Float32Array {
    if (values.length === rows * this.width) return values.subarray(0, count * this.width)
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: 'the last linear layer does not read one row for each sample',
      got: `${values.length / this.width} rows for ${rows} samples`,
    })
  }

  async close(): Promise<void> {
    await this.#session.close()
  }
}
