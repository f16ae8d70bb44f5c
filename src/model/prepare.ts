import { GauntletError } from '../errors.js'
import type { Graph } from '../graph/ir.js'
import { isUpgraded, upgrade } from '../graph/opset.js'
import { foldBatchNorms } from '../graph/passes/fold-batch-norms.js'
import type { Forms } from '../graph/lower/forms.js'
import type { ValueInfo, ValueInfos } from '../graph/shapes.js'
import { attackedInput, preprocess } from '../graph/passes/preprocess.js'
import { renameValues } from '../graph/passes/rename.js'
import { bindInputs, pickInput } from '../graph/passes/select.js'
import { timeFirst } from '../graph/passes/time-first.js'
import { elementCount, sizeOfWeights } from '../graph/tensor.js'
import { WeightStore } from '../onnx/weight-store.js'
import type { Feed } from '../runtime/session.js'
import type { Differentiable } from '../step/compile.js'
import { createRng } from '../util/rng.js'
import { freeBatch } from './batch.js'
import { tapLogits, type Head } from './head.js'
import { fitInput, type InputOptions } from './layout.js'
import { formAll } from './forms.js'
import { lowerAll } from './lower.js'
import { hasReducedPrecision, isAttackable } from './precision.js'
import { scoresOf } from './scores.js'
import { probeShapes } from './probe.js'
import { simplify } from './simplify.js'

export interface PrepareOptions extends InputOptions {
  /** Range of the data; only used to try the network out on plausible values. */
  readonly range?: readonly [number, number] | undefined
  readonly input?: string | undefined
  readonly output?: string | undefined
  readonly constants?: Readonly<Record<string, readonly number[]>> | undefined
}

/** A network of any kind made ready: what is run as the file has it, and what the compiler differentiates. */
export interface PreparedNetwork {
  /** Opset 18 forms, composite operators lowered. */
  readonly graph: Graph
  readonly infos: ValueInfos
  /** Only of a network of reduced precision: see `Differentiable`. */
  readonly forms?: Forms | undefined
  /** The input to differentiate with respect to, and the output, by name. */
  readonly input: string
  readonly forwardOutput: string
  readonly sampleShape: readonly number[]
  /** Fixed when the network cannot be re-batched. */
  readonly batch: number | null
  /**
   * The file's own graph with preprocessing in front and the batch axis free; nothing else is changed but that each
   * BatchNormalization lies in its Conv, as ONNX Runtime would put it there, with the same bits.
   * Input `gauntlet_x` float32 (N, ...sample).
   */
  readonly forward: Graph
  /** Holds the larger weights of all these graphs, and of those that are made of them. */
  readonly weights: WeightStore
  /** What a reader of the results must know: `cannot be re-batched: runs at its fixed batch of 1`. */
  readonly notes: readonly string[]
}

/** A classifier made ready: what the host judges with, and what the compiler differentiates. */
export interface PreparedModel extends PreparedNetwork, Differentiable {
  readonly graph: Graph
  readonly head: Head
}

/**
 * Prepares a decoded classifier: as `prepareNetwork`, and finds the logits.
 *
 * @param graph - the model as decoded; not modified
 * @throws GNT_DATA_SHAPE when data and network do not fit; GNT_MODEL_UNSUPPORTED, GNT_MODEL_RUN
 */
export async function prepareModel(
  graph: Graph,
  options: PrepareOptions = {},
): Promise<PreparedModel> {
  const network = await readyNetwork(graph, options)
  const { infos, forwardOutput, batch, weights } = network
  const tapped = tapLogits(network.graph, infos, forwardOutput, batch)
  return { ...network, ...tapped, graph: weights.keep(tapped.graph) }
}

/**
 * Prepares a decoded model with an output of any shape: binds constant inputs, puts preprocessing in front, frees the
 * batch, lets ONNX Runtime fold and fuse, brings the graph to opset 18 and probes all shapes.
 *
 * @throws as `prepareModel`
 */
export async function prepareNetwork(
  graph: Graph,
  options: PrepareOptions = {},
): Promise<PreparedNetwork> {
  const network = await readyNetwork(graph, options)
  return { ...network, graph: network.weights.keep(network.graph) }
}

async function readyNetwork(graph: Graph, options: PrepareOptions): Promise<PreparedNetwork> {
  const constants = options.constants ?? {}
  const input = pickInput(graph, options.input, constants)
  if (!isAttackable(input, graph))
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: 'an input of this type cannot be perturbed',
      where: `input ${input.name}`,
      got: input.dtype,
      expected: 'float32, float16, float64 or, from opset 10 on, bytes',
      fix: 'export the model with a float32 input',
    })
  const bound = timeFirst(bindInputs(graph, input.name, constants))
  const { graph: scored, output, notes } = scoresOf(bound, options.output)
  const fit = fitInput(input, options)
  // The original names could be those of the inputs a step graph adds.
  const named = renameValues(scored, (name) => `m/${name}`)
  const whole = preprocess(named, `m/${input.name}`, fit.preprocessing)
  const outputName = `m/${output}`

  const feed = trialSamples(fit.preprocessing.sampleShape, options.range ?? [0, 1])
  const weights = new WeightStore(sizeOfWeights(graph))
  // What a user gives for the other inputs may be out of range: only a run can tell.
  const isTried = Object.keys(constants).length > 0
  const freed = await freeBatch(whole, fit.batch, outputName, feed, weights, isTried)
  const isReduced = hasReducedPrecision(graph)
  const forward = isReduced ? freed.graph : foldBatchNorms(freed.graph)
  const simplified = await simplify(forward, isReduced ? 'extended' : 'basic', weights)
  // Only a pass that changes Softmax's old form needs shapes; probe once more after it.
  const shapes = isUpgraded(simplified)
    ? new Map<string, ValueInfo>()
    : await probeShapes(simplified, freed.batch, feed)
  const upgraded = upgrade(
    simplified,
    new Map([...shapes].map(([name, info]) => [name, info.shape])),
  )
  const {
    graph: lowered,
    infos,
    forms,
  } = isReduced
    ? await formAll(upgraded, freed.batch, feed)
    : { ...(await lowerAll(upgraded, freed.batch, feed)), forms: undefined }
  return {
    graph: lowered,
    infos,
    forms,
    input: attackedInput,
    weights,
    sampleShape: fit.preprocessing.sampleShape,
    batch: freed.batch,
    forward: weights.keep(forward),
    forwardOutput: outputName,
    notes: [...notes, ...freed.notes],
  }
}

/** Samples of unlike contrast: many a network says the same of any two samples of plain noise. */
const contrasts = [0.1, 1, 0.4]

/** Batches of n plausible samples. Most are asked for their shape alone, so the numbers are drawn when they are read. */
export function trialSamples(
  sampleShape: readonly number[],
  [low, high]: readonly [number, number],
): (n: number) => Record<string, Feed> {
  const size = elementCount(sampleShape)
  const draw = (n: number): Float32Array => {
    const rng = createRng('probe', n, size)
    const data = new Float32Array(n * size)
    for (let i = 0; i < n; i++) {
      const width = (high - low) * contrasts[i % contrasts.length]!
      rng.fillUniform(data.subarray(i * size, (i + 1) * size), low, low + width)
    }
    return data
  }
  return (n) => {
    let data: Float32Array | undefined
    const samples: Feed = {
      dtype: 'float32',
      dims: [n, ...sampleShape],
      get data() {
        return (data ??= draw(n))
      },
    }
    return { [attackedInput]: samples }
  }
}
