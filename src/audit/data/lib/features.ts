import type { AuditContext, AuditModel, AuditSource } from '../../types.js'
import { Spill } from './spill.js'

export interface FeatureBatch {
  readonly from: number
  /** (N, width) */
  readonly rows: Float32Array
  readonly labels: Int32Array
}

/** Features of all samples, in order, as often as they are asked for. */
export interface FeatureStore {
  readonly width: number
  batches(): AsyncIterable<FeatureBatch>
}

/** By source; a model of another audit of the same source has other features. */
const stores = new WeakMap<
  AuditSource,
  { readonly model: AuditModel; readonly store: FeatureStore }
>()

const keptBytes = 2 ** 28

/**
 * Computes the features once for all detectors of an audit: in memory up to 256 MB, beyond in a temporary file.
 * @returns what gives them up again
 */
export async function keepFeatures(
  context: AuditContext,
  memoryBytes = keptBytes,
): Promise<() => Promise<void>> {
  const { source, model } = context
  if (!model) return async () => {}
  const fresh = featuresOf(context)
  const spill = await Spill.open(source.count, fresh.width, memoryBytes)
  try {
    const labels = new Int32Array(source.count)
    for await (const batch of fresh.batches()) {
      labels.set(batch.labels, batch.from)
      await spill.write(batch.from, batch.rows)
    }
    stores.set(source, { model, store: keptStore(spill, labels, context.checkpoint) })
  } catch (error) {
    await spill.close()
    throw error
  }
  return async () => {
    stores.delete(source)
    await spill.close()
  }
}

const keptBatch = 1024

function keptStore(spill: Spill, labels: Int32Array, checkpoint: () => void): FeatureStore {
  return {
    width: spill.width,
    async *batches() {
      for (let from = 0; from < labels.length; from += keptBatch) {
        checkpoint()
        const own = labels.subarray(from, from + keptBatch)
        yield { from, rows: await spill.read(from, own.length), labels: own }
      }
    },
  }
}

/** @throws Error without a model: a detector that declares the need never sees that */
export function featuresOf(context: AuditContext): FeatureStore {
  const { model, source } = context
  if (!model) throw new Error('features were asked for without a model')
  const kept = stores.get(source)
  if (kept?.model === model) return kept.store
  return {
    width: model.featureWidth,
    async *batches() {
      for await (const { from, x, labels } of source.batches()) {
        context.checkpoint()
        yield { from, rows: await model.features(x), labels }
      }
    },
  }
}

/** Labels of all samples. */
export async function labelsOf({ source, checkpoint }: AuditContext): Promise<Int32Array> {
  const out = new Int32Array(source.count)
  for await (const { from, labels } of source.batches()) {
    checkpoint()
    out.set(labels, from)
  }
  return out
}
