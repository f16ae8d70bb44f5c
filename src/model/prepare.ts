import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GauntletError } from '../errors.js'
import type { Graph } from '../graph/ir.js'
import { upgrade } from '../graph/opset.js'
import { attackedInput, preprocess } from '../graph/passes/preprocess.js'
import { rebatch } from '../graph/passes/rebatch.js'
import { renameValues } from '../graph/passes/rename.js'
import { bindInputs, pick } from '../graph/passes/select.js'
import { tensorOf } from '../graph/tensor.js'
import { decodeModel } from '../onnx/decode.js'
import { encodeModel } from '../onnx/encode.js'
import { Session, type Feed } from '../runtime/session.js'
import type { Differentiable } from '../step/compile.js'
import { createRng } from '../util/rng.js'
import { tapLogits, type Head } from './head.js'
import { fitInput, type InputOptions } from './layout.js'
import { probeShapes } from './probe.js'

export interface PrepareOptions extends InputOptions {
  /** Range of the data; only used to try the network out on plausible values. */
  readonly range?: readonly [number, number] | undefined
  readonly input?: string | undefined
  readonly output?: string | undefined
  readonly constants?: Readonly<Record<string, readonly number[]>> | undefined
}

/** A model file made ready: what the host judges with, and what the compiler differentiates. */
export interface PreparedModel extends Differentiable {
  /**
   * The file's own graph with preprocessing in front and the batch axis free; nothing else is changed.
   * Input `gauntlet_x` float32 (N, ...sample).
   */
  readonly forward: Uint8Array
  readonly forwardOutput: string
  readonly head: Head
  /** What a reader of the results must know: `runs at its fixed batch of 1`. */
  readonly notes: readonly string[]
}

/**
 * Prepares a decoded model: binds constant inputs, puts preprocessing in front, frees the batch, lets ONNX Runtime
 * fold and fuse, brings the graph to opset 18, probes all shapes and finds the logits.
 *
 * @param graph - the model as decoded; not modified
 * @throws GNT_DATA_SHAPE when data and network do not fit; GNT_MODEL_UNSUPPORTED, GNT_MODEL_RUN
 */
export async function prepareModel(graph: Graph, options: PrepareOptions = {}): Promise<PreparedModel> {
  const input = pick(graph.inputs, options.input, 'input')
  const output = pick(graph.outputs, options.output, 'output')
  const constants = Object.fromEntries(
    Object.entries(options.constants ?? {}).map(([name, values]) => {
      const value = graph.inputs.find((one) => one.name === name)
      if (!value)
        throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
          what: 'a constant for an input the model does not have',
          got: name,
          expected: graph.inputs.map((one) => one.name).join(', '),
        })
      const dims = value.dims?.map((size) => (typeof size === 'number' ? size : 1)) ?? [values.length]
      return [name, tensorOf(value.dtype, dims, values)]
    }),
  )
  if (input.dtype !== 'float32')
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: 'only a float32 input can be perturbed',
      where: `input ${input.name}`,
      got: input.dtype,
      fix: 'export the model with a float32 input',
    })
  const bound = { ...bindInputs(graph, input.name, constants), outputs: [output] }
  const fit = fitInput(input, options)
  // The original names could be those of the inputs a step graph adds.
  const named = renameValues(bound, (name) => `m/${name}`)
  const whole = preprocess(named, `m/${input.name}`, fit.preprocessing)
  const outputName = `m/${output.name}`

  const [low, high] = options.range ?? [0, 1]
  const feed = (n: number): Record<string, Feed> => {
    const dims = [n, ...fit.preprocessing.sampleShape]
    const rng = createRng('probe', ...dims)
    const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => low + (high - low) * rng.uniform())
    return { [attackedInput]: { dtype: 'float32', dims, data } }
  }
  const freed = await freeBatch(whole, fit.batch, outputName, feed)
  const simplified = await simplify(freed.graph)
  // Only a pass that changes Softmax's old form needs shapes; probe once more after it.
  const shapes = await probeShapes(simplified, freed.batch, feed)
  const upgraded = upgrade(simplified, new Map([...shapes].map(([name, info]) => [name, info.shape])))
  const infos = await probeShapes(upgraded, freed.batch, feed)
  const tapped = tapLogits(upgraded, infos, outputName)
  return {
    graph: tapped.graph,
    infos: tapped.infos,
    input: attackedInput,
    logits: tapped.logits,
    classes: tapped.classes,
    head: tapped.head,
    sampleShape: fit.preprocessing.sampleShape,
    batch: freed.batch,
    forward: encodeModel(freed.graph),
    forwardOutput: outputName,
    notes: freed.batch === null ? [] : [`cannot be re-batched: runs at its fixed batch of ${freed.batch}`],
  }
}

/**
 * Makes the batch axis free where the network allows it: each candidate graph must give, for three samples
 * at once, what the file's own graph gives for each.
 */
async function freeBatch(
  graph: Graph,
  fixed: number | null,
  output: string,
  feed: (n: number) => Record<string, Feed>,
): Promise<{ graph: Graph; batch: number | null }> {
  const freeable = [rebatch(graph, attackedInput, null), rebatch(graph, attackedInput, fixed ?? 1)]
  const reference = await perSample(fixed === null ? freeable[0]! : graph, fixed ?? 1, output, feed)
  for (const candidate of freeable) {
    const whole = await outputsOf(candidate, feed(3), output).catch(() => null)
    if (whole !== null && whole.rows === 3 && close(whole.values, reference)) return { graph: candidate, batch: null }
  }
  return { graph, batch: fixed ?? 1 }
}

/** Outputs for the same three samples, one call each (padded to a fixed batch by repetition). */
async function perSample(
  graph: Graph,
  batch: number,
  output: string,
  feed: (n: number) => Record<string, Feed>,
): Promise<Float32Array> {
  const three = feed(3)[attackedInput]!
  const size = three.data.length / 3
  const session = await Session.open(encodeModel(graph), { optimization: 'basic' })
  try {
    const rows: number[] = []
    for (let i = 0; i < 3; i++) {
      const data = new Float32Array(batch * size)
      const sample = (three.data as Float32Array).subarray(i * size, (i + 1) * size)
      for (let b = 0; b < batch; b++) data.set(sample, b * size)
      const dims = [batch, ...three.dims.slice(1)]
      const result = (await session.run({ [attackedInput]: { dtype: 'float32', dims, data } }))[output]!
      rows.push(...Array.from(result.data as Float32Array).slice(0, result.data.length / batch))
    }
    return Float32Array.from(rows)
  } finally {
    await session.close()
  }
}

async function outputsOf(
  graph: Graph,
  feeds: Record<string, Feed>,
  output: string,
): Promise<{ rows: number; values: Float32Array }> {
  const session = await Session.open(encodeModel(graph), { optimization: 'basic' })
  try {
    const result = (await session.run(feeds))[output]!
    return { rows: result.dims[0] ?? 0, values: result.data as Float32Array }
  } finally {
    await session.close()
  }
}

function close(a: Float32Array, b: Float32Array): boolean {
  if (a.length !== b.length) return false
  const scale = b.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6)
  return a.every((value, i) => Math.abs(value - b[i]!) <= 1e-4 * scale)
}

/** Constants folded, BatchNormalization in Conv, no dropped nodes: done by ONNX Runtime with standard operators only. */
async function simplify(graph: Graph): Promise<Graph> {
  const folder = await mkdtemp(join(tmpdir(), 'gauntlet-'))
  try {
    const path = join(folder, 'simplified.onnx')
    const session = await Session.open(encodeModel(graph), { optimization: 'basic', optimizedPath: path })
    await session.close()
    return decodeModel(new Uint8Array(await readFile(path)))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
