import { GauntletError } from '../errors.js'
import type { Graph, Value } from '../graph/ir.js'
import { upgrade } from '../graph/opset.js'
import { preprocess } from '../graph/passes/preprocess.js'
import { renameValues } from '../graph/passes/rename.js'
import { bindInputs, pickInput } from '../graph/passes/select.js'
import { timeFirst } from '../graph/passes/time-first.js'
import { bindWeights, freeWeights } from '../graph/passes/weights.js'
import { sizeOfWeights } from '../graph/tensor.js'
import { WeightStore } from '../onnx/weight-store.js'
import type { Feed } from '../runtime/session.js'
import type { Differentiable } from '../step/compile.js'
import { feedOfTensor } from './axes.js'
import { freeBatch } from './batch.js'
import { tapLogits } from './head.js'
import { fitInput } from './layout.js'
import { lowerAll } from './lower.js'
import { trialSamples, type PrepareOptions } from './prepare.js'
import { probeShapes } from './probe.js'
import { scoresOf } from './scores.js'
import { inferenceForm } from './training-form.js'

/** A classifier made ready to be trained: nothing of it is folded, so that its weights are those of the file. */
export interface TrainableModel {
  /** Opset 18 forms; the weights are constants of it, called as `inner` says. */
  readonly model: Differentiable
  /** What a value of the file is called in there: its own names could be those that a compiled graph adds. */
  readonly inner: (name: string) => string
  /** By the value that it makes, in the model's names. */
  readonly dropouts: ReadonlyMap<string, number>
}

const prefix = 'm/'
const inner = (name: string): string => `${prefix}${name}`

/**
 * Prepares a decoded classifier for training: as `prepareModel`, but for folding.
 *
 * @param weights - names of its initializers that are trained
 * @throws GNT_MODEL_UNSUPPORTED for a graph with a fixed batch, or without one score per class
 */
export async function prepareTraining(
  graph: Graph,
  weights: readonly string[],
  options: PrepareOptions = {},
): Promise<TrainableModel> {
  const constants = options.constants ?? {}
  const input = pickInput(graph, options.input, constants)
  if (input.dtype !== 'float32')
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: 'only a network with a float32 input can be trained',
      where: `input ${input.name}`,
      got: input.dtype,
    })
  checkShape(input, options)
  const form = inferenceForm(timeFirst(bindInputs(graph, input.name, constants)))
  const { graph: scored, output } = scoresOf(form.graph, options.output)
  const fit = fitInput(input, options)
  const named = preprocess(renameValues(scored, inner), inner(input.name), fit.preprocessing)
  const feed = trialSamples(fit.preprocessing.sampleShape, options.range ?? [0, 1])
  const whole = await inFreeBatch(named, fit.batch, inner(output), feed)
  const upgraded = await upgraded18(whole, feed)
  const { graph: free, weights: bound } = freeWeights(upgraded, (name) =>
    weights.some((weight) => inner(weight) === name),
  )
  const fed = Object.fromEntries(
    Object.entries(bound).map(([name, tensor]) => [name, feedOfTensor(tensor)]),
  )
  const lowered = await lowerAll(free, null, (n) => ({ ...feed(n), ...fed }))
  const tapped = tapLogits(lowered.graph, lowered.infos, inner(output), null)
  const { sampleShape } = fit.preprocessing
  return {
    model: {
      graph: bindWeights(tapped.graph, bound),
      infos: tapped.infos,
      input: whole.inputs[0]!.name,
      logits: tapped.logits,
      classes: tapped.classes,
      sampleShape,
      batch: null,
    },
    inner,
    dropouts: new Map([...form.dropouts].map(([name, ratio]) => [inner(name), ratio])),
  }
}

/** A free axis would be 1 for the lack of anything better. */
function checkShape({ name, dims }: Value, { sampleShape }: PrepareOptions): void {
  if (sampleShape || dims?.slice(1).every((size) => typeof size === 'number')) return
  throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
    what: 'only a network of known sample shape can be trained',
    where: `input ${name}`,
    got: dims ? `[${dims.map((size) => size ?? '?').join(', ')}]` : 'no shape',
    expected: '[N, …] with fixed sizes, or the shape of the samples',
  })
}

type FeedOf = (n: number) => Record<string, Feed>

/** @throws GNT_MODEL_UNSUPPORTED where only a fixed number of rows can be run */
async function inFreeBatch(
  graph: Graph,
  fixed: number | null,
  output: string,
  feed: FeedOf,
): Promise<Graph> {
  const store = new WeightStore(sizeOfWeights(graph))
  try {
    const freed = await freeBatch(graph, fixed, output, feed, store)
    if (freed.batch === null) return freed.graph
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: 'a network that does not run on any number of samples cannot be trained',
      got: freed.notes.at(-1),
      fix: 'export the model with a free batch axis',
    })
  } finally {
    store.close()
  }
}

async function upgraded18(graph: Graph, feed: FeedOf): Promise<Graph> {
  const shapes = await probeShapes(graph, null, feed)
  return upgrade(graph, new Map([...shapes].map(([name, info]) => [name, info.shape])))
}
