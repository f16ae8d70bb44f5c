import { GauntletError } from '../errors.js'
import type { Graph } from '../graph/ir.js'
import { FeatureModel } from '../model/features.js'
import { argmax, ModelHandle } from '../model/handle.js'
import { prepareModel, type PrepareOptions } from '../model/prepare.js'
import type { SessionOptions } from '../runtime/session.js'

/** A trained classifier, open. */
export interface Network {
  readonly classes: number
  /** Null: the network has no last linear layer whose input could be read. */
  readonly featureWidth: number | null
  /** @param x - (N, ...shape) @returns (N, classes) */
  scores(x: Float32Array): Promise<Float32Array>
  /** @param x - (N, ...shape) @returns (N, featureWidth) */
  features(x: Float32Array): Promise<Float32Array>
  /** Seconds inside ONNX Runtime, as far as they are known. */
  seconds(): Promise<number>
  close(): Promise<void>
}

/** @throws what `prepareModel` throws */
export async function openNetwork(
  graph: Graph,
  input: PrepareOptions,
  { batch, session }: { readonly batch: number; readonly session: SessionOptions },
): Promise<Network> {
  const prepared = await prepareModel(graph, input)
  const handle = await ModelHandle.open(prepared, session)
  const features = await FeatureModel.open(prepared, session).catch(async (error: unknown) => {
    if (error instanceof GauntletError && error.code === 'GNT_MODEL_UNSUPPORTED') return null
    await handle.close()
    throw error
  })
  const size = prepared.sampleShape.reduce((product, side) => product * side, 1)
  return {
    classes: handle.classes,
    featureWidth: features?.width ?? null,
    scores: (x) => handle.scores(x, x.length / size, batch),
    features: (x) => {
      if (!features) throw new Error('features of a network that has none')
      return features.features(x, x.length / size)
    },
    seconds: () => handle.seconds(),
    async close() {
      await features?.close()
      await handle.close()
    },
  }
}

/** The class that a network gives each sample. */
export function predictor({
  classes,
  scores,
}: Pick<Network, 'classes' | 'scores'>): (x: Float32Array) => Promise<Int32Array> {
  return async (x) => {
    if (x.length === 0) return new Int32Array()
    const rows = await scores(x)
    return Int32Array.from({ length: rows.length / classes }, (_, i) =>
      argmax(rows, i * classes, classes),
    )
  }
}
