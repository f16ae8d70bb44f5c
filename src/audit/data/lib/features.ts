import type { AuditContext, AuditModel, AuditSource } from '../../types.js'

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
