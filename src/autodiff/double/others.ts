import type { Lowering, LoweringTable } from '../../graph/lower/lowering.js'
import { opsOf } from '../../graph/lower/ops.js'
import { matrixOf, touchedAxes } from '../rules/resize.js'

const mean: Lowering = ({ g, x }) => {
  const ops = opsOf(g, 'float64')
  return [
    ops.scale(
      x.reduce((a, b) => ops.add(a, b)),
      1 / x.length,
    ),
  ]
}

/** off + (on − off)·[index = label]: on whole numbers there is a kernel. */
const oneHot: Lowering = ({ g, x, node }) => {
  const ops = opsOf(g, 'float64')
  const [indices, depth, values] = x as [string, string, string]
  const marks = g.emit('OneHot', [indices, depth, g.ints([0, 1])], node.attrs)
  const at = (index: number): string => g.emit('Gather', [values, g.ints([index])])
  const step = ops.sub(at(1), at(0))
  return [ops.add(at(0), ops.mul(ops.cast(marks, 'float64'), step))]
}

/** X − mean over √(variance + ε), and both. */
function standardised(
  {
    g,
    axes,
    epsilon,
  }: { g: Parameters<typeof opsOf>[0]; axes: readonly number[]; epsilon: number },
  x: string,
) {
  const ops = opsOf(g, 'float64')
  const average = ops.reduce('ReduceMean', x, ...axes)
  const centred = ops.sub(x, average)
  const variance = ops.reduce('ReduceMean', ops.mul(centred, centred), ...axes)
  const inverse = ops.unary('Reciprocal', ops.unary('Sqrt', ops.shift(variance, epsilon)))
  return { ops, average, inverse, normal: ops.mul(centred, inverse) }
}

/** The kernel gives mean and deviation in single precision. */
const layerNormalization: Lowering = ({ g, x, y, int, float, shape }) => {
  const rank = shape(x[0]!).length
  const first = (int('axis', -1) + rank) % rank
  const axes = Array.from({ length: rank - first }, (_, k) => first + k)
  const own = standardised({ g, axes, epsilon: float('epsilon', 1e-5) }, x[0]!)
  const { ops, normal, average, inverse } = own
  const stretched = ops.mul(normal, x[1]!)
  return [x[2] ? ops.add(stretched, x[2]) : stretched, y[1] ? average : '', y[2] ? inverse : '']
}

const instanceNormalization: Lowering = ({ g, x, float, shape }) => {
  const spatial = shape(x[0]!).slice(2)
  const axes = spatial.map((_, k) => k + 2)
  const { ops, normal } = standardised({ g, axes, epsilon: float('epsilon', 1e-5) }, x[0]!)
  const channel = (of: string): string => ops.reshape(of, [-1, ...axes.map(() => 1)])
  return [ops.add(ops.mul(normal, channel(x[1]!)), channel(x[2]!))]
}

/** Sum of squares over neighbouring channels.  Source: ONNX Operators.md, LRN. */
const lrn: Lowering = ({ g, x, int, float, shape }) => {
  const ops = opsOf(g, 'float64')
  const size = int('size', 1)
  const [channels, rank] = [Number(shape(x[0]!)[1]), shape(x[0]!).length]
  const before = Math.floor((size - 1) / 2)
  const pads = Array.from({ length: 2 * rank }, (_, k) =>
    k === 1 ? before : k === rank + 1 ? size - 1 - before : 0,
  )
  const squares = g.emit('Pad', [ops.mul(x[0]!, x[0]!), g.ints(pads)])
  const shifted = Array.from({ length: size }, (_, k) => ops.slice(squares, 1, k, k + channels))
  const sum = shifted.reduce((a, b) => ops.add(a, b))
  const base = ops.shift(ops.scale(sum, float('alpha', 1e-4) / size), float('bias', 1))
  return [ops.mul(x[0]!, g.emit('Pow', [base, g.scalar(-float('beta', 0.75), 'float64')]))]
}

/** One matrix for each axis, made by the kernel in single precision; the values keep theirs. */
const resize: Lowering = (view) => {
  const { g, x, shape, string } = view
  if (string('coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize') return null
  const ops = opsOf(g, 'float64')
  const rank = shape(x[0]!).length
  return [
    touchedAxes(view).reduce((value, axis) => {
      const perm = Array.from({ length: rank }, (_, k) => k)
      ;[perm[axis], perm[rank - 1]] = [rank - 1, axis]
      const turned = ops.transpose(value, perm)
      return ops.transpose(ops.matmul(turned, matrixOf(view, axis)), perm)
    }, x[0]!),
  ]
}

export const otherDoubles: LoweringTable = {
  Mean: mean,
  OneHot: oneHot,
  LayerNormalization: layerNormalization,
  InstanceNormalization: instanceNormalization,
  LRN: lrn,
  Resize: resize,
}
