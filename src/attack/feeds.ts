import { attackedInput } from '../graph/passes/preprocess.js'
import { padRows, type ModelHandle } from '../model/handle.js'
import type { Feed } from '../runtime/session.js'
import { stateNames } from '../step/update-rule.js'
import type { Box } from '../threat/constraints.js'
import type { Column, Living } from './living.js'
import type { Shard } from './shard.js'

/** Part of the living rows that one call of a program takes. */
export interface Rows {
  /** First living row, and how many. */
  readonly from: number
  readonly count: number
  /** Rows of the call, at least `count`: the rest repeats the first. */
  readonly rows: number
}

/** What every program is fed: points, labels, and (for a loss that goes towards a class) the classes. */
export function lossFeeds(
  model: ModelHandle,
  living: Living,
  part: Rows,
  targets: BigInt64Array | null,
): Record<string, Feed> {
  return {
    [attackedInput]: sampleFeed(model, living, living.xAdv, part),
    labels: classFeed(living.labels, part),
    ...(targets ? { targets: classFeed(targets, part) } : {}),
  }
}

/** What a step is fed besides, per norm; `compileStep` says what each is. */
export function updateFeeds(
  model: ModelHandle,
  shard: Shard,
  living: Living,
  part: Rows & { readonly stepSize: number | Float32Array },
): Record<string, Feed> {
  const { norm, epsilon } = shard.job.threat
  const samples = (array: Float32Array): Feed => sampleFeed(model, living, array, part)
  const boxes = (): Box => living.boxes((id) => shard.box(id))
  return {
    step_size:
      typeof part.stepSize === 'number'
        ? scalar(part.stepSize)
        : { dtype: 'float32', dims: [1, ...model.prepared.sampleShape], data: part.stepSize },
    ...(norm === 'linf'
      ? { lower: samples(boxes().lower), upper: samples(boxes().upper) }
      : { x: samples(living.x), epsilon: scalar(epsilon) }),
  }
}

/** The state of an update rule, by the names of `stateNames`. */
export function stateFeeds(
  model: ModelHandle,
  columns: ReadonlyMap<string, Column>,
  { from, count, rows }: Rows,
): Record<string, Feed> {
  const { sampleShape } = model.prepared
  return Object.fromEntries(
    [...columns].map(([key, { data, width }]): [string, Feed] => {
      const part = data.subarray(from * width, (from + count) * width)
      const shape = width === 1 ? sampleShape.map(() => 1) : sampleShape
      return [
        stateNames(key).input,
        { dtype: 'float32', dims: [rows, ...shape], data: padRows(part, width, rows) },
      ]
    }),
  )
}

function sampleFeed(
  model: ModelHandle,
  living: Living,
  array: Float32Array,
  { from, count, rows }: Rows,
): Feed {
  const part = array.subarray(from * living.size, (from + count) * living.size)
  const dims = [rows, ...model.prepared.sampleShape]
  return { dtype: 'float32', dims, data: padRows(part, living.size, rows) }
}

function classFeed(array: BigInt64Array, { from, count, rows }: Rows): Feed {
  const data = new BigInt64Array(rows).fill(array[from]!)
  data.set(array.subarray(from, from + count))
  return { dtype: 'int64', dims: [rows], data }
}

const scalar = (value: number): Feed => ({
  dtype: 'float32',
  dims: [],
  data: Float32Array.of(value),
})
