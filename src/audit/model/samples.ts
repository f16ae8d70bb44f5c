import type { Dataset } from '../../data/dataset.js'
import { takeSamples } from '../../data/dataset.js'
import { GauntletError } from '../../errors.js'
import { argmax, type ModelHandle } from '../../model/handle.js'
import { createRng } from '../../util/rng.js'
import { range, shuffle } from '../../util/shuffle.js'
import type { AuditSamples } from './types.js'

/** Fewer samples to search with than this say nothing of a class. */
const fewest = 8

/** The samples, parted: a trigger is found on one half and measured on the other. */
export interface Parts {
  /** Of each class as the target, indices of samples of other classes, none of which is taken for it already. */
  readonly sources: readonly (readonly number[])[]
  readonly held: readonly (readonly number[])[]
  /** Share that the model gets right. */
  readonly accuracy: number
}

/** At most `limit` samples, drawn at random: a file may be sorted by class. */
export function auditSamples(data: Dataset, limit: number): AuditSamples {
  const order = shuffle(range(data.count), createRng('audit', 'samples'))
  const rows = order.slice(0, limit).sort((a, b) => a - b)
  return {
    x: takeSamples(data, rows),
    count: rows.length,
    shape: data.shape,
    bounds: data.range,
    labels: rows.map((row) => data.labels[row]!),
  }
}

/** @throws GNT_DATA_VALUES when a class has too few samples of others; GNT_MODEL_RUN */
export async function partSamples(
  model: ModelHandle,
  samples: AuditSamples,
  classes: number,
): Promise<Parts> {
  const { x, count, labels } = samples
  const scores = await model.scores(x, count, 64)
  const predictions = Array.from({ length: count }, (_, i) => argmax(scores, i * classes, classes))
  // Every second sample of each class, however the file is sorted.
  const seen = new Map<number, number>()
  const isHeld = Array.from({ length: count }, (_, i) => {
    const before = seen.get(labels[i]!) ?? 0
    seen.set(labels[i]!, before + 1)
    return before % 2 === 1
  })
  const others = (target: number, held: boolean): number[] =>
    predictions.flatMap((prediction, i) =>
      isHeld[i] === held && labels[i] !== target && prediction !== target ? [i] : [],
    )
  const targets = Array.from({ length: classes }, (_, target) => target)
  const [sources, held] = [false, true].map((half) => targets.map((target) => others(target, half)))
  const poor = targets.find(
    (target) => Math.min(sources![target]!.length, held![target]!.length) < fewest,
  )
  if (poor !== undefined)
    throw new GauntletError('GNT_DATA_VALUES', {
      what: 'too few samples for an audit',
      where: `class ${poor}`,
      got: `${sources![poor]!.length + held![poor]!.length} samples that are of other classes and recognised as such`,
      expected: `at least ${2 * fewest}, better a few hundred`,
      fix: 'give more clean samples with --data',
    })
  const right = predictions.filter((prediction, i) => prediction === labels[i]).length
  return { sources: sources!, held: held!, accuracy: right / count }
}
