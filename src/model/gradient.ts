import { GauntletError } from '../errors.js'
import type { Graph } from '../graph/ir.js'
import { upgrade } from '../graph/opset.js'
import { retype, retypeInfos } from '../graph/passes/retype.js'
import { bindWeights, freeWeights, isWeight } from '../graph/passes/weights.js'
import { WeightStore } from '../onnx/weight-store.js'
import type { Feed, Session } from '../runtime/session.js'
import { lowerDoublesOnce, mayNeedDoubles } from '../step/double.js'
import { gradientGraph, type LossTerm, type Network } from '../step/gradient.js'
import {
  closeAxes,
  closeBatch,
  feedOfTensor,
  hasOpenBatch,
  trialFeeds,
  type AxisSizes,
} from './axes.js'
import { formAll } from './forms.js'
import { lowerAll } from './lower.js'
import { checkNames, withInnerNames } from './gradient-names.js'
import { openGraph } from './open.js'
import { hasReducedPrecision } from './precision.js'
import { sizeOfWeights } from '../graph/tensor.js'
import { probeShapes } from './probe.js'
import { simplify } from './simplify.js'

export interface GradientOptions {
  /** Inputs and initializers of the model, by name, that the loss is differentiated with respect to. */
  readonly wrt: readonly string[]
  /** The loss is the weighted sum of these. */
  readonly losses: readonly LossTerm[]
  /**
   * `float64` computes everything in double precision, constants that the file has in single precision included: to
   * check gradients, an order of magnitude slower. Default `float32`: every value as the file has it.
   */
  readonly dtype?: 'float32' | 'float64' | undefined
  /** Lengths of the symbolic axes of the inputs other than the batch. Default 1 each. */
  readonly sizes?: AxisSizes | undefined
}

export interface CompiledGradient {
  /**
   * Inputs: those of the model that are needed, `target/<output>` or `seed/<output>` where a loss is fed something.
   * Outputs: the outputs that a loss is over, `loss` (), `loss/<output>` (N), and `grad/<name>` for each of `wrt`.
   */
  readonly graph: Graph
  /** Operators whose derivative is a surrogate, one phrase each. */
  readonly approximations: readonly string[]
  readonly notes: readonly string[]
}

/**
 * A model of any kind with its backward pass, as one ONNX graph: gradients of a loss over any of its tensors, with
 * respect to any inputs and weights.
 *
 * @param graph - as decoded; not modified
 * @throws GNT_USAGE for names that the model does not have; GNT_GRAD_NO_RULE; GNT_GRAD_CUT; GNT_MODEL_UNSUPPORTED
 *   for a float64 form of a network that rounds to a few bits, or of an operator without a kernel
 */
export async function compileGradient(
  graph: Graph,
  options: GradientOptions,
): Promise<CompiledGradient> {
  const { dtype = 'float32' } = options
  checkNames(graph, options)
  checkPrecision(dtype)
  const isReduced = hasReducedPrecision(graph)
  if (isReduced && dtype === 'float64')
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: 'a network that rounds to a few bits has no form in double precision',
      got: 'quantized or half-precision operators',
      fix: 'compile it in float32',
    })
  const closed = closeAxes(withInnerNames(graph, options), options.sizes ?? {})
  const isFree = hasOpenBatch(closed) && (await runsTogether(closed))
  const network = await prepareNetwork(isFree ? closed : closeBatch(closed), options, isReduced)
  const notes = isFree === hasOpenBatch(closed) ? [] : [onlyOne]
  const settings = { wrt: options.wrt, losses: options.losses, dtype }
  if (dtype === 'float32') return { ...gradientGraph(network, settings), notes }
  const double = gradientGraph(inDouble(network), settings)
  return { ...double, graph: await lowerDoubles(double.graph, isFree), notes }
}

/** Callers of the library may come without types. */
function checkPrecision(dtype: string): void {
  if (dtype === 'float32' || dtype === 'float64') return
  throw new GauntletError('GNT_USAGE', {
    what: 'a gradient is not compiled in this precision',
    got: dtype,
    expected: 'float32 or float64',
    fix: 'a half-precision model is differentiated as it is with float32',
  })
}

const onlyOne = 'cannot be re-batched: runs at a batch of 1'

/** Whether the graph runs on several samples at once, as its inputs say it does. */
async function runsTogether(graph: Graph): Promise<boolean> {
  return inSession(graph, 'basic', async (session) => {
    try {
      for (const n of [2, 3]) await session.run(trialFeeds(graph, n))
      return true
    } catch {
      return false
    }
  })
}

/** Weights lie beside the graph: in one piece, none over 2 GiB could be opened. */
async function inSession<T>(
  graph: Graph,
  optimization: 'basic' | 'disabled',
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const weights = new WeightStore(sizeOfWeights(graph))
  try {
    const session = await openGraph(graph, weights, { optimization })
    try {
      return await use(session)
    } finally {
      await session.close()
    }
  } finally {
    weights.close()
  }
}

/** Simplified, in opset 18 forms, composite operators lowered; what is differentiated is an input. */
async function prepareNetwork(
  graph: Graph,
  { wrt, dtype }: GradientOptions,
  isReduced: boolean,
): Promise<Network> {
  const batch = hasOpenBatch(graph) ? null : 1
  const isWrt = (name: string): boolean => wrt.includes(name)
  // Folded in single precision, weights would lose digits that the double form has.
  const { graph: free, weights } = freeWeights(
    graph,
    (name, tensor) => isWrt(name) || (dtype === 'float64' && isWeight(tensor)),
  )
  const store = new WeightStore(sizeOfWeights(graph))
  const simplified = await simplify(free, isReduced ? 'extended' : 'basic', store)
  const bound = bindWeights(simplified, weights, (name) => !isWrt(name))
  const wrtWeights = Object.fromEntries(Object.entries(weights).filter(([name]) => isWrt(name)))
  const feed = (n: number): Record<string, Feed> => ({
    ...trialFeeds(graph, n),
    ...Object.fromEntries(
      Object.entries(wrtWeights).map(([name, tensor]) => [name, feedOfTensor(tensor)]),
    ),
  })
  const shapes = await probeShapes(bound, batch, feed)
  const upgraded = upgrade(bound, new Map([...shapes].map(([name, info]) => [name, info.shape])))
  const ready = isReduced
    ? await formAll(upgraded, batch, feed)
    : { ...(await lowerAll(upgraded, batch, feed)), forms: undefined }
  return { ...ready, weights: wrtWeights }
}

function inDouble({ graph, infos, weights, forms }: Network): Network {
  const { initializers } = retype(
    { ...graph, nodes: [], initializers: weights },
    'float32',
    'float64',
  )
  return {
    graph: retype(graph, 'float32', 'float64'),
    infos: retypeInfos(infos, 'float32', 'float64'),
    weights: initializers,
    forms,
  }
}

/**
 * Operators without a kernel in double precision written with those that have one. Their shapes are found in single
 * precision, where every operator runs.
 *
 * @throws GNT_MODEL_UNSUPPORTED when one is left
 */
async function lowerDoubles(graph: Graph, isFree: boolean): Promise<Graph> {
  if (mayNeedDoubles(graph)) {
    const single = retype(graph, 'float64', 'float32')
    const infos = await probeShapes(single, isFree ? null : 1, (n) => trialFeeds(single, n))
    const lowered = lowerDoublesOnce(graph, retypeInfos(infos, 'float32', 'float64'))
    if (lowered !== graph) return lowerDoubles(lowered, isFree)
  }
  await checkKernels(graph)
  return graph
}

async function checkKernels(graph: Graph): Promise<void> {
  try {
    await inSession(graph, 'disabled', async () => {})
  } catch (cause) {
    const [, op] = /implementation for (\w+)/.exec((cause as Error).message) ?? []
    if (op === undefined) throw cause
    throw new GauntletError(
      'GNT_MODEL_UNSUPPORTED',
      {
        what: 'ONNX Runtime does not compute an operator in double precision',
        got: op,
        fix: 'compile the gradient in float32',
      },
      { cause },
    )
  }
}
