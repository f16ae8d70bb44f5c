import type { Graph } from '../graph/ir.js'
import { argmax, ModelHandle } from '../model/handle.js'
import { prepareModel, type PrepareOptions } from '../model/prepare.js'
import type { SessionOptions } from '../runtime/session.js'

export interface Evaluation {
  /** The class of each sample. */
  readonly predictions: Int32Array
  /** Samples whose class is their label. */
  readonly correct: number
  /** `correct` of all. */
  readonly accuracy: number
}

const rowsAtOnce = 256

/**
 * Classifies samples with a model as it is shipped: the same forward pass that attacks are judged by.
 * @param x - (labels.length, …sample), C order, in the data's units
 * @throws what `prepareModel` throws
 */
export async function evaluate(
  graph: Graph,
  x: Float32Array,
  labels: ArrayLike<number>,
  options: PrepareOptions & { readonly session?: SessionOptions | undefined } = {},
): Promise<Evaluation> {
  const count = labels.length
  const model = await ModelHandle.open(await prepareModel(graph, options), options.session)
  try {
    const scores = count === 0 ? new Float32Array() : await model.scores(x, count, rowsAtOnce)
    const { classes } = model
    const predictions = Int32Array.from({ length: count }, (_, i) =>
      argmax(scores, i * classes, classes),
    )
    const correct = predictions.filter((prediction, i) => prediction === labels[i]).length
    return { predictions, correct, accuracy: correct / count }
  } finally {
    await model.close()
  }
}
