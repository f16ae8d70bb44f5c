import { MessageChannel } from 'node:worker_threads'
// oxlint-disable-next-line import/no-unassigned-import
import '../util/no-telemetry.js'
import * as ort from 'onnxruntime-node'
import { GauntletError } from '../errors.js'
import { dtypes, type DType } from '../graph/ir.js'

// What goes wrong is thrown and told once, by us; this is for what the library says outside of a session.
ort.env.logLevel = 'fatal'

/** What goes in and out of a session: element data in C order, and its shape. */
export interface Feed {
  readonly dtype: DType
  readonly dims: readonly number[]
  readonly data:
    Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array | Int8Array | Uint16Array
}

/** What is known of an output before anything is run. */
export interface OutputType {
  readonly dtype: DType
  /** Empty as well where not even the number of axes is known. */
  readonly dims: readonly number[]
}

export interface SessionOptions {
  /** ONNX Runtime execution provider. Default `cpu`. */
  readonly provider?: string | undefined
  /** Threads inside one call. Default 1: the pool's workers are the parallelism. */
  readonly threads?: number | undefined
  /** `extended`: everything but the memory layouts of this machine, which no other operator can read. */
  readonly optimization?: 'disabled' | 'basic' | 'extended' | 'all' | undefined
  /** The folder of the weights that a model refers to, if they are not in it. */
  readonly folder?: string | undefined
  /** Where ONNX Runtime writes the graph it simplified. */
  readonly optimizedPath?: string | undefined
  /** No more operators are fused: the graph has been through that, and fusing it again would change its last bits. */
  readonly isFused?: boolean | undefined
  /** Whether weights are copied into the order in which the kernels read them. Default true. */
  readonly packs?: boolean | undefined
}

/** ONNX Runtime's graph transformers that put several operators into one, by their names. */
const fusions = [
  'BiasGeluFusion',
  'BiasSkipLayerNormFusion',
  'BiasSoftmaxFusion',
  'ConvActivationFusion',
  'ConvAddActivationFusion',
  'DynamicQuantizeMatMulFusion',
  'FastGeluFusion',
  'GeluFusionL1',
  'GeluFusionL2',
  'GemmActivationFusion',
  'LayerNormFusionL1',
  'LayerNormFusionL2',
  'MatMulActivationFusion',
  'MatMulAddFusion',
  'MatMulIntegerToFloatFusion',
  'MatMulScaleFusion',
  'MatmulTransposeFusion',
  'QDQPropagationTransformer',
  'QDQSelectorActionTransformer',
  'QuickGeluFusion',
  'SimplifiedLayerNormFusion',
  'SkipLayerNormFusion',
]

/** Those that change the memory layout. ONNX Runtime's own level `extended` leaves out some fusions as well. */
const layouts = ['NchwcTransformer', 'NhwcTransformer']

const ortNames: Partial<Record<DType, ort.Tensor.Type>> = {
  float32: 'float32',
  float64: 'float64',
  float16: 'float16',
  int64: 'int64',
  int32: 'int32',
  int8: 'int8',
  uint8: 'uint8',
  bool: 'bool',
  uint16: 'uint16',
}

/** An ONNX Runtime session with one thread, that counts the seconds spent inside it. */
export class Session {
  readonly #session: ort.InferenceSession
  #seconds = 0

  private constructor(session: ort.InferenceSession) {
    this.#session = session
  }

  /** @throws GNT_MODEL_RUN with ONNX Runtime's own reason */
  static async open(model: Uint8Array | string, options: SessionOptions = {}): Promise<Session> {
    const isExtended = options.optimization === 'extended'
    const left = [...(options.isFused ? fusions : []), ...(isExtended ? layouts : [])]
    const settings: ort.InferenceSession.SessionOptions = {
      executionProviders: [options.provider ?? 'cpu'],
      intraOpNumThreads: options.threads ?? 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: isExtended ? 'all' : (options.optimization ?? 'all'),
      // 4 = fatal only: what goes wrong is thrown and told once, by us.
      logSeverityLevel: 4,
      ...(options.optimizedPath ? { optimizedModelFilePath: options.optimizedPath } : {}),
      // Idle threads that spin would take time from the other worker.
      extra: {
        session: {
          intra_op: { allow_spinning: '0' },
          // With a path it is opened to be written, not to be run.
          disable_prepacking: options.optimizedPath || options.packs === false ? '1' : '0',
          ...(options.folder
            ? { model_external_initializers_file_folder_path: options.folder }
            : {}),
        },
        optimization: { disable_specified_optimizers: left.join(';') },
      },
    }
    try {
      // The two overloads differ only in the type of the model.
      const session =
        typeof model === 'string'
          ? await ort.InferenceSession.create(model, settings)
          : await ort.InferenceSession.create(model, settings)
      return new Session(session)
    } catch (cause) {
      const { provider = 'cpu' } = options
      if (reasonOf(cause).includes('Unsupported data type: 16')) throw brainFloats(cause)
      const detail =
        provider === 'cpu'
          ? { what: 'ONNX Runtime cannot open the model', got: reasonOf(cause) }
          : {
              what: `ONNX Runtime cannot open the model on the device ${provider}`,
              got: reasonOf(cause),
              fix: 'see gauntlet doctor, or use the device cpu',
            }
      throw new GauntletError('GNT_MODEL_RUN', detail, { cause })
    }
  }

  get inputs(): readonly string[] {
    return this.#session.inputNames
  }

  get outputs(): readonly string[] {
    return this.#session.outputNames
  }

  /** The outputs of which ONNX Runtime knows type and all sizes. */
  get outputTypes(): ReadonlyMap<string, OutputType> {
    return new Map(
      this.#session.outputMetadata.flatMap((output) => {
        if (!output.isTensor || !output.shape.every((size) => typeof size === 'number')) return []
        const dtype = dtypes.find((known) => known === output.type)
        return dtype ? [[output.name, { dtype, dims: output.shape }]] : []
      }),
    )
  }

  /** Wall seconds spent in `run` so far. */
  get seconds(): number {
    return this.#seconds
  }

  /**
   * @param into - arrays that outputs of these names are written into, instead of new ones
   * @throws GNT_MODEL_RUN with ONNX Runtime's own reason
   */
  async run(
    feeds: Readonly<Record<string, Feed>>,
    into: Readonly<Record<string, Feed>> = {},
  ): Promise<Record<string, Feed>> {
    const tensors: Record<string, ort.Tensor> = {}
    for (const [name, feed] of Object.entries(feeds)) tensors[name] = toOrt(name, feed)
    const fetches: Record<string, ort.Tensor | null> = {}
    for (const name of this.#session.outputNames)
      fetches[name] = into[name] ? toOrt(name, into[name]) : null
    const start = performance.now()
    let results: ort.InferenceSession.OnnxValueMapType
    try {
      results = await this.#session.run(tensors, fetches)
    } catch (cause) {
      throw new GauntletError(
        'GNT_MODEL_RUN',
        { what: 'ONNX Runtime cannot run the model', got: reasonOf(cause) },
        { cause },
      )
    } finally {
      this.#seconds += (performance.now() - start) / 1000
    }
    return Object.fromEntries(
      Object.entries(results).map(([name, value]) => {
        const tensor = value as ort.Tensor
        const given = into[name]
        if (given) {
          discard(tensor.data as Feed['data'], given.data)
          return [name, given]
        }
        return [
          name,
          { dtype: tensor.type as DType, dims: tensor.dims, data: tensor.data as Feed['data'] },
        ]
      }),
    )
  }

  async close(): Promise<void> {
    await this.#session.release()
  }
}

const nowhere = new MessageChannel().port1
nowhere.close()

/**
 * ONNX Runtime hands back a copy even of an output that it wrote where it was told to. Left to the garbage collector
 * these copies, a batch of images in each step, cost more than everything else outside the runtime; given away to a
 * port that nobody reads their memory is free at once.
 */
function discard(copy: Feed['data'], original: Feed['data']): void {
  if (copy.buffer !== original.buffer && copy.buffer instanceof ArrayBuffer)
    nowhere.postMessage(null, [copy.buffer])
}

function toOrt(name: string, feed: Feed): ort.Tensor {
  const type = ortNames[feed.dtype]
  if (!type)
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: `values of type ${feed.dtype} cannot be fed`,
      where: `input ${name}`,
    })
  return new ort.Tensor(type, feed.data as Float32Array, feed.dims)
}

/** Its package for Node has no such tensors; weights that a Cast widens are read by the runtime alone. */
const brainFloats = (cause: unknown): GauntletError =>
  new GauntletError(
    'GNT_MODEL_UNSUPPORTED',
    {
      what: 'the network computes values in bfloat16, which ONNX Runtime does not hand to Node',
      fix: 'export it in float32 or float16; weights in bfloat16 are fine',
    },
    { cause },
  )

/** The first line of ONNX Runtime's message without its source positions. */
function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause)
  return text.replace(/\s+/g, ' ').slice(0, 300)
}
