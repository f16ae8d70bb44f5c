import { GauntletError } from '../errors.js'
import type { Graph } from '../graph/ir.js'
import { attackedInput } from '../graph/passes/preprocess.js'
import { rebatch } from '../graph/passes/rebatch.js'
import { isRowWise } from '../graph/passes/row-wise.js'
import { isFixed } from '../graph/shapes.js'
import type { WeightStore } from '../onnx/weight-store.js'
import type { Feed } from '../runtime/session.js'
import { computedValues, inferShapes } from './infer.js'
import { openGraph } from './open.js'
import { inferInfos } from './probe.js'
import { roundingOf } from './precision.js'

/** How a note begins that says so. */
export const influence = 'samples of one batch influence each other'

export interface FreedBatch {
  readonly graph: Graph
  /** Rows every call must have, or null where any number will do. */
  readonly batch: number | null
  readonly notes: readonly string[]
}

/**
 * Makes the batch axis free where the network allows it. Most graphs prove by their operators that each sample is
 * treated on its own; of the others each candidate must give, for a few samples at once, what the file's own graph
 * gives for each.
 *
 * @param fixed - the batch size the file fixes, or null
 * @param feed - makes the attacked input for a batch of n different samples
 * @param isTried - the network is run, whatever it proves
 * @throws GNT_MODEL_UNSUPPORTED when a sample's output depends on the others of a batch that cannot be split
 */
export async function freeBatch(
  graph: Graph,
  fixed: number | null,
  output: string,
  feed: (n: number) => Record<string, Feed>,
  weights: WeightStore,
  isTried = false,
): Promise<FreedBatch> {
  const unlabelled = rebatch(graph, attackedInput, null)
  const retargeted = (['copy', 'infer'] as const).map((axis) =>
    rebatch(graph, attackedInput, fixed ?? 1, axis),
  )
  for (const candidate of [unlabelled, ...retargeted])
    if (!isTried && (await isProven(candidate, graph, fixed, output, feed)))
      return { graph: candidate, batch: null, notes: [] }
  // Another number than the one that the file fixes, which proves nothing.
  const trial = feed(fixed === 3 ? 5 : 3)
  const own = fixed === null ? unlabelled : graph
  const rows = fixed ?? 1
  const { values: reference, isSteady } = await perSample(own, rows, output, trial, weights)
  if (!isSteady)
    return { graph: own, batch: rows, notes: ['gives different outputs for the same input'] }
  let runsTogether = false
  for (const candidate of [unlabelled, ...retargeted]) {
    const whole = await run(candidate, trial, output, weights).catch(() => null)
    if (whole?.dims[0] !== countOf(trial)) continue
    if (close(whole.data, reference, roundingOf(graph)))
      return { graph: candidate, batch: null, notes: [] }
    runsTogether = true
  }
  if (rows > 1) await refuseMixing(own, rows, output, trial, reference, weights)
  const note = runsTogether
    ? `${influence}: runs at a batch of ${rows}`
    : `cannot be re-batched: runs at its fixed batch of ${rows}`
  return { graph: own, batch: rows, notes: [note] }
}

/** The candidate treats samples one by one, and at the batch that the file fixes it is the file's own graph. */
async function isProven(
  candidate: Graph,
  own: Graph,
  fixed: number | null,
  output: string,
  feed: (n: number) => Record<string, Feed>,
): Promise<boolean> {
  const infos = await inferInfos(candidate, feed)
  const { dtype } = infos.get(output) ?? {}
  if (dtype !== 'float32' || !isRowWise(candidate, infos, attackedInput, output)) return false
  if (fixed === null) return true
  // They differ in the targets of Reshape and Expand only: with equal shapes they compute the same.
  const types = await inferShapes(own, feed(fixed))
  return computedValues(own).every((name) => {
    const shape = infos
      .get(name)
      ?.shape.map((size) => (isFixed(size) ? size : size.perBatch * fixed))
    return shape !== undefined && shape.join() === types.get(name)?.dims.join()
  })
}

type Trial = Readonly<Record<string, Feed>>

const countOf = (trial: Trial): number => trial[attackedInput]!.dims[0]!

interface PerSample {
  readonly values: Float32Array
  /** The first sample gave the same again, after the others. */
  readonly isSteady: boolean
}

/** Outputs for the samples, one call each (padded to a fixed batch by repetition). */
async function perSample(
  graph: Graph,
  rows: number,
  output: string,
  trial: Trial,
  weights: WeightStore,
): Promise<PerSample> {
  const session = await openGraph(graph, weights, { optimization: 'basic' })
  const outputOf = async (sample: number): Promise<Float32Array> => {
    const fed = { [attackedInput]: fillRows(trial, rows, () => sample) }
    const data = scoresIn((await session.run(fed))[output]!, output)
    return data.slice(0, data.length / rows)
  }
  try {
    const values: number[] = []
    for (let sample = 0; sample < countOf(trial); sample++) values.push(...(await outputOf(sample)))
    const again = await outputOf(0)
    const first = Float32Array.from(values.slice(0, again.length))
    const isSteady = close(again, first, 1e-4)
    return { values: Float32Array.from(values), isSteady }
  } finally {
    await session.close()
  }
}

/** At a fixed batch of several, a sample's score must not depend on its neighbours: no verdict would stand. */
async function refuseMixing(
  graph: Graph,
  rows: number,
  output: string,
  trial: Trial,
  reference: Float32Array,
  weights: WeightStore,
): Promise<void> {
  const count = countOf(trial)
  const mixed = fillRows(trial, rows, (row) => row % count)
  const { data } = await run(graph, { [attackedInput]: mixed }, output, weights)
  const compared = (Math.min(rows, count) * data.length) / rows
  const own = data.subarray(0, compared)
  if (close(own, reference.subarray(0, compared), roundingOf(graph))) return
  throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
    what: 'the output for a sample depends on the other samples of its batch',
    got: `a fixed batch of ${rows}`,
    fix: 'export the model in evaluation mode, with a batch of 1 or a free batch axis',
  })
}

async function run(
  graph: Graph,
  feeds: Trial,
  output: string,
  weights: WeightStore,
): Promise<{ readonly dims: readonly number[]; readonly data: Float32Array }> {
  const session = await openGraph(graph, weights, { optimization: 'basic' })
  try {
    const scores = (await session.run(feeds))[output]!
    return { dims: scores.dims, data: scoresIn(scores, output) }
  } finally {
    await session.close()
  }
}

/** A file may leave the type of its output open. */
function scoresIn({ data, dtype }: Feed, output: string): Float32Array {
  if (data instanceof Float32Array) return data
  throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
    what: 'the output is not one score per class',
    where: `output ${output}`,
    got: `${dtype} values`,
    expected: 'float32 scores [N, classes]',
    fix: 'name the logits with --output',
  })
}

/** A batch of `rows` samples, row r being sample `which(r)`. */
function fillRows(trial: Trial, rows: number, which: (row: number) => number): Feed {
  const { data: source, dims } = trial[attackedInput]!
  const size = source.length / dims[0]!
  const data = new Float32Array(rows * size)
  for (let row = 0; row < rows; row++) {
    const from = which(row) * size
    data.set((source as Float32Array).subarray(from, from + size), row * size)
  }
  return { dtype: 'float32', dims: [rows, ...dims.slice(1)], data }
}

/** Equal up to rounding, relative to the greatest finite value; NaN and infinities must be in the same places. */
function close(a: Float32Array, b: Float32Array, tolerance: number): boolean {
  if (a.length !== b.length) return false
  const scale = b.reduce(
    (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
    1e-6,
  )
  return a.every(
    (value, i) => Object.is(value, b[i]) || Math.abs(value - b[i]!) <= tolerance * scale,
  )
}
