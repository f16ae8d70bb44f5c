import type { AuditContext, AuditModel, AuditSource } from '../../../../src/audit/types.js'
import { memorySource } from '../../../../src/audit/data/memory-source.js'
import { createRng } from '../../../../src/util/rng.js'

export interface Planted {
  readonly context: AuditContext
  readonly isPoison: Uint8Array
}

export interface PlantOptions {
  readonly seed: number
  readonly classes?: number
  readonly perClass?: number
  readonly width?: number
  /** Share of class 0 that is poison. */
  readonly poison?: number
  /** How far poison lies from its class, in deviations. */
  readonly shift?: number
  /** Share of all samples with another label. */
  readonly flips?: number
  /** Samples of each class, where they differ. */
  readonly counts?: readonly number[]
}

/**
 * Normal classes far apart, whose samples are their own features. Poison of class 0 is a group beside it; scores
 * are those of the nearest class mean; out-of-sample probabilities are its softmax.
 */
export function plant(options: PlantOptions): Planted {
  const { seed, classes = 8, perClass = 150, width = 6, poison = 0, shift = 9, flips = 0 } = options
  const rng = createRng('planted', seed)
  const counts = options.counts ?? Array.from({ length: classes }, () => perClass)
  const count = counts.reduce((sum, each) => sum + each, 0)
  const means = Array.from({ length: classes }, () =>
    Float64Array.from({ length: width }, () => 12 * rng.normal()),
  )
  const x = new Float32Array(count * width)
  const labels = new Int32Array(count)
  const isPoison = new Uint8Array(count)
  let at = 0
  counts.forEach((own, label) => {
    for (let i = 0; i < own; i++, at++) {
      labels[at] = label
      isPoison[at] = label === 0 && i < poison * own ? 1 : 0
      for (let d = 0; d < width; d++)
        x[at * width + d] = means[label]![d]! + rng.normal() + (isPoison[at] && d === 0 ? shift : 0)
    }
  })
  for (let i = 0; i < count; i++)
    if (rng.uniform() < flips) {
      isPoison[i] = 1
      labels[i] = (labels[i]! + 1 + rng.below(classes - 1)) % classes
    }
  const source = memorySource({ count, shape: [width], range: [-100, 100], classes, x, labels })
  return { context: contextOf(source, means, seed), isPoison }
}

function contextOf(
  source: AuditSource,
  means: readonly Float64Array[],
  seed: number,
): AuditContext {
  const [width = 0] = source.shape
  const scores = (x: Float32Array): Float32Array =>
    Float32Array.from({ length: (x.length / width) * means.length }, (_, i) => {
      const row = Math.floor(i / means.length)
      return means[i % means.length]!.reduce(
        (sum, mean, d) => sum - (x[row * width + d]! - mean) ** 2 / 20,
        0,
      )
    })
  const model: AuditModel = {
    featureWidth: width,
    features: async (x) => x.slice(),
    scores: async (x) => scores(x),
  }
  return {
    source,
    model,
    outOfSample: null,
    falsePositiveRate: 0.01,
    rng: createRng('detectors', seed),
    checkpoint() {},
  }
}

/** Recall, precision and the share of clean samples flagged. */
export function rates(suspects: Int32Array, isPoison: Uint8Array) {
  const hits = suspects.reduce((sum, i) => sum + isPoison[i]!, 0)
  const poisoned = isPoison.reduce((sum, one) => sum + one, 0)
  return {
    recall: hits / poisoned,
    precision: hits / suspects.length,
    falsePositives: (suspects.length - hits) / (isPoison.length - poisoned),
  }
}
