import { softmax } from '../audit/data/lib/softmax.js'
import type { PrepareOptions } from '../model/prepare.js'
import type { SessionOptions } from '../runtime/session.js'
import { createRng } from '../util/rng.js'
import type { Learner, Learned } from './learner.js'
import { openNetwork } from './network.js'
import { keepSamples, type TrainingSet } from './samples.js'

/** Networks that are trained, each on all but its share of the samples. */
const folds = 3

export interface CrossValidateRequest {
  readonly set: TrainingSet
  readonly learner: Learner
  readonly input: PrepareOptions
  readonly open: { readonly batch: number; readonly session: SessionOptions }
  readonly seed: number
  readonly signal: AbortSignal
  readonly onTrained: (learned: Learned) => void
}

/**
 * Probabilities of each sample's classes by a network of the same pipeline that was not trained on it.
 * @returns (count, classes)
 */
export async function crossValidate(request: CrossValidateRequest): Promise<Float32Array> {
  const { set, learner, input, open, seed, signal, onTrained } = request
  const rng = createRng('trial folds', seed)
  const foldOf = Uint8Array.from({ length: set.labels.length }, () => rng.below(folds))
  let out = new Float32Array()
  for (let fold = 0; fold < folds; fold++) {
    const others = keepSamples(set, (index) => foldOf[index] !== fold)
    const learned = await learner(others, {
      seed: createRng('trial fold', seed, fold).uint32(),
      signal,
    })
    onTrained(learned)
    const network = await openNetwork(learned.graph, input, open)
    try {
      const own = keepSamples(set, (index) => foldOf[index] === fold)
      const scores = await network.scores(own.x)
      const { classes } = network
      if (fold === 0) out = new Float32Array(set.labels.length * classes)
      let row = 0
      for (const [index, assigned] of foldOf.entries())
        if (assigned === fold) out.set(softmax(scores, row++, classes), index * classes)
    } finally {
      await network.close()
    }
  }
  return out
}
