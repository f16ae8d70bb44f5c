import { GauntletError } from '../errors.js'
import type { Graph } from '../graph/ir.js'
import { attackedInput } from '../graph/passes/preprocess.js'
import { rebatch } from '../graph/passes/rebatch.js'
import { encodeModel } from '../onnx/encode.js'
import { Session, type Feed } from '../runtime/session.js'

export interface FreedBatch {
  readonly graph: Graph
  /** Rows every call must have, or null where any number will do. */
  readonly batch: number | null
  readonly notes: readonly string[]
}

/** Samples every graph is tried on. */
const trials = 3

/**
 * Makes the batch axis free where the network allows it: each candidate graph must give, for three samples
 * at once, what the file's own graph gives for each.
 *
 * @param fixed - the batch size the file fixes, or null
 * @param feed - makes the attacked input for a batch of n different samples
 * @throws GNT_MODEL_UNSUPPORTED when a sample's output depends on the others of a batch that cannot be split
 */
export async function freeBatch(
  graph: Graph,
  fixed: number | null,
  output: string,
  feed: (n: number) => Record<string, Feed>,
): Promise<FreedBatch> {
  const unlabelled = rebatch(graph, attackedInput, null)
  const retargeted = (['copy', 'infer'] as const).map((axis) =>
    rebatch(graph, attackedInput, fixed ?? 1, axis),
  )
  const own = fixed === null ? unlabelled : graph
  const rows = fixed ?? 1
  const reference = await perSample(own, rows, output, feed)
  let runsTogether = false
  for (const candidate of [unlabelled, ...retargeted]) {
    const whole = await run(candidate, feed(trials), output).catch(() => null)
    if (whole?.dims[0] !== trials) continue
    if (close(whole.data, reference)) return { graph: candidate, batch: null, notes: [] }
    runsTogether = true
  }
  const again = await perSample(own, rows, output, feed)
  if (!close(again, reference))
    return { graph: own, batch: rows, notes: ['gives different outputs for the same input'] }
  if (rows > 1) await refuseMixing(own, rows, output, feed, reference)
  const note = runsTogether
    ? `samples of one batch influence each other: runs at a batch of ${rows}`
    : `cannot be re-batched: runs at its fixed batch of ${rows}`
  return { graph: own, batch: rows, notes: [note] }
}

/** Outputs for the same few samples, one call each (padded to a fixed batch by repetition). */
async function perSample(
  graph: Graph,
  rows: number,
  output: string,
  feed: (n: number) => Record<string, Feed>,
): Promise<Float32Array> {
  const several = feed(trials)[attackedInput]!
  const session = await Session.open(encodeModel(graph), { optimization: 'basic' })
  try {
    const values: number[] = []
    for (let i = 0; i < trials; i++) {
      const picked = fillRows(several, rows, () => i)
      const data = scoresIn((await session.run({ [attackedInput]: picked }))[output]!, output)
      values.push(...data.subarray(0, data.length / rows))
    }
    return Float32Array.from(values)
  } finally {
    await session.close()
  }
}

/** At a fixed batch of several, a sample's score must not depend on its neighbours: no verdict would stand. */
async function refuseMixing(
  graph: Graph,
  rows: number,
  output: string,
  feed: (n: number) => Record<string, Feed>,
  reference: Float32Array,
): Promise<void> {
  const mixed = fillRows(feed(trials)[attackedInput]!, rows, (row) => row % trials)
  const { data } = await run(graph, { [attackedInput]: mixed }, output)
  const compared = (Math.min(rows, trials) * data.length) / rows
  if (close(data.subarray(0, compared), reference.subarray(0, compared))) return
  throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
    what: 'the output for a sample depends on the other samples of its batch',
    got: `a fixed batch of ${rows}`,
    fix: 'export the model in evaluation mode, with a batch of 1 or a free batch axis',
  })
}

async function run(
  graph: Graph,
  feeds: Record<string, Feed>,
  output: string,
): Promise<{ readonly dims: readonly number[]; readonly data: Float32Array }> {
  const session = await Session.open(encodeModel(graph), { optimization: 'basic' })
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

/** A batch of `rows` samples, row r being sample `which(r)` of `several`. */
function fillRows(several: Feed, rows: number, which: (row: number) => number): Feed {
  const source = several.data as Float32Array
  const size = source.length / trials
  const data = new Float32Array(rows * size)
  for (let row = 0; row < rows; row++) {
    const from = which(row) * size
    data.set(source.subarray(from, from + size), row * size)
  }
  return { dtype: 'float32', dims: [rows, ...several.dims.slice(1)], data }
}

/** Equal up to rounding, relative to the greatest finite value; NaN and infinities must be in the same places. */
function close(a: Float32Array, b: Float32Array): boolean {
  if (a.length !== b.length) return false
  const scale = b.reduce(
    (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
    1e-6,
  )
  return a.every((value, i) => Object.is(value, b[i]) || Math.abs(value - b[i]!) <= 1e-4 * scale)
}
