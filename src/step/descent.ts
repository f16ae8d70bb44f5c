import { backward } from '../autodiff/grad.js'
import { GraphBuilder } from '../graph/builder.js'
import type { Dim, Graph, Value } from '../graph/ir.js'
import type { Forms } from '../graph/lower/forms.js'
import { batchSymbol } from '../graph/passes/rebatch.js'
import { isFixed, type ValueInfos } from '../graph/shapes.js'
import { finish, output, readied, type Compiled } from './compile.js'

/** A network of any kind, its shapes known. */
export interface DescentNetwork {
  readonly graph: Graph
  readonly infos: ValueInfos
  readonly forms?: Forms | undefined
  readonly input: string
  readonly forwardOutput: string
  readonly sampleShape: readonly number[]
  readonly batch: number | null
}

export interface DescentOptions {
  /** Numbers of one output. */
  readonly outputs: number
  /** The atoms speak of inputs as well. */
  readonly readsInputs: boolean
}

/** Kept from 0 divisions: far below any gradient that float32 can tell from rounding. */
const tiny = 1e-30

/**
 * One step down the margin of linear constraints, each row of the batch under constraints of its own, as one graph.
 * With v = C·y + D·x − b, one entry for each atom, a row's loss is the smooth maximum Σ w·v, w = softmax(β·s) over
 * s = (v − max v) / mean |v − max v|, w held fixed: for a large β the greatest atom alone. Nothing of the property is
 * baked in, so that one graph serves every property of a network.
 *
 * Inputs: x (N, ...sample) under the network's own name, `lower`, `upper`, `velocity` of its shape; per row `step_size`
 * in widths of the box, `momentum`, `is_sign` 1 or 0, `sharpness` β, all (N, 1); `y_weights` C (N, A, K), `bounds` b
 * (N, A, 1), and where atoms read inputs `x_weights` D (N, A, n).
 * Outputs: `x_next`, `velocity_next`, and of the point it started from `y` (N, K).
 *
 * The step is that of Dong et al. 2018, arXiv:1710.06081 (momentum over gradients divided by their mean |·|), in units
 * of the box's widths: along the signs, or along the gradient itself divided by its greatest entry.
 */
export function compileDescent(network: DescentNetwork, options: DescentOptions): Compiled {
  const { outputs: k, readsInputs } = options
  const ready = readied(network)
  const g = new GraphBuilder(ready, network.infos)
  const { input, sampleShape, forwardOutput } = network
  const inputs = sampleShape.reduce((a, b) => a * b, 1)
  const rows = network.batch ?? -1
  const x = (value: string): string => g.emit('Reshape', [value, g.ints([rows, inputs])])
  const y = g.emit('Reshape', [forwardOutput, g.ints([rows, k])])
  const weights = atomWeights(g, y, readsInputs ? x(input) : null)
  const seed = g.emit('Reshape', [
    g.emit('MatMul', [weights, 'y_weights']),
    g.ints(g.info(forwardOutput).shape.map((size) => (isFixed(size) ? size : -1))),
  ])
  const { gradients, approximations } = backward(g, {
    nodes: ready.nodes,
    seeds: new Map([[forwardOutput, g.know(seed, g.info(forwardOutput))]]),
    wrt: [input],
    forms: network.forms,
  })
  let gradient = x(gradients.get(input)!)
  if (readsInputs) {
    const own = g.emit('MatMul', [weights, 'x_weights'])
    gradient = g.emit('Add', [gradient, g.emit('Squeeze', [own, g.ints([1])])])
  }
  const velocity = g.emit('Add', [
    g.emit('Mul', [x('velocity'), 'momentum']),
    overItsOwn(g, 'ReduceMean', gradient),
  ])
  const width = x(g.emit('Sub', ['upper', 'lower']))
  const unit = overItsOwn(g, 'ReduceMax', g.emit('Mul', [velocity, width]))
  const isSign = g.emit('Greater', ['is_sign', g.scalar(0.5)])
  const direction = g.emit('Where', [isSign, g.emit('Sign', [velocity]), unit])
  const move = g.emit('Mul', [g.emit('Mul', [direction, 'step_size']), width])
  const sample = g.ints([rows, ...sampleShape])
  const moved = g.emit('Sub', [input, g.emit('Reshape', [move, sample])])
  const next = g.emit('Min', [g.emit('Max', [moved, 'lower']), 'upper'])
  const feeds = descentFeeds(network, options)
  const graph = finish(
    network,
    g,
    [...ready.inputs, ...feeds],
    [
      output(g, next, 'x_next'),
      output(g, g.emit('Reshape', [velocity, sample]), 'velocity_next'),
      output(g, y, 'y'),
    ],
  )
  return { graph, approximations }
}

/** The weight of each atom in the loss: (N, 1, A). */
function atomWeights(g: GraphBuilder, y: string, x: string | null): string {
  const column = (value: string): string => g.emit('Unsqueeze', [value, g.ints([2])])
  const atY = g.emit('MatMul', ['y_weights', column(y)])
  const at = x === null ? atY : g.emit('Add', [atY, g.emit('MatMul', ['x_weights', column(x)])])
  const v = g.emit('Sub', [at, 'bounds'])
  const below = g.emit('Sub', [v, g.emit('ReduceMax', [v, g.ints([1])], { keepdims: 1 })])
  const scaled = overItsOwn(g, 'ReduceMean', below)
  const sharpened = g.emit('Mul', [scaled, column('sharpness')])
  const weights = g.emit('Softmax', [sharpened], { axis: 1 })
  return g.emit('Transpose', [weights], { perm: [0, 2, 1] })
}

/** A value over the mean or the maximum of its own size along axis 1, row by row. */
function overItsOwn(g: GraphBuilder, reduce: 'ReduceMean' | 'ReduceMax', value: string): string {
  const size = g.emit(reduce, [g.emit('Abs', [value]), g.ints([1])], { keepdims: 1 })
  return g.emit('Div', [value, g.emit('Add', [size, g.scalar(tiny)])])
}

function descentFeeds(network: DescentNetwork, { outputs, readsInputs }: DescentOptions): Value[] {
  const batch = network.batch ?? batchSymbol
  const inputs = network.sampleShape.reduce((a, b) => a * b, 1)
  return [
    ...['lower', 'upper', 'velocity'].map((name) => float(name, [batch, ...network.sampleShape])),
    ...['step_size', 'momentum', 'is_sign', 'sharpness'].map((name) => float(name, [batch, 1])),
    float('y_weights', [batch, 'A', outputs]),
    float('bounds', [batch, 'A', 1]),
    ...(readsInputs ? [float('x_weights', [batch, 'A', inputs])] : []),
  ]
}

const float = (name: string, dims: readonly Dim[]): Value => ({ name, dtype: 'float32', dims })
