import { GauntletError } from '../../errors.js'
import type { NodeView } from '../../graph/node-view.js'
import { isFixed, sameSize } from '../../graph/shapes.js'
import { ints, numbers, tensorOf } from '../../graph/tensor.js'
import { positiveAxis } from '../emit.js'
import { dynamic } from '../place.js'
import { gradient, type Gradients, type RuleContext, type RuleTable } from '../rule.js'

/**
 * Resize is linear and separable: Y = X ×₁ M₁ ×₂ M₂ … with one matrix for each axis that it touches, so that
 * dX = dY ×₁ M₁ᵀ ×₂ M₂ᵀ …   The matrix of an axis is what the same Resize makes of an identity matrix along that axis:
 * every mode and every way to map coordinates is followed exactly, and a session folds it to a constant.
 * X (…, in, …)   Y (…, out, …)   M (in, out).
 * Source: ONNX Operators.md, Resize.
 */
function resize(context: RuleContext): Gradients {
  const { g, dy } = context
  const axes = touchedAxes(context)
  const pooled = byPooling(context, axes)
  if (pooled) return [pooled]
  const rank = context.shape(context.x[0]!).length
  let dX = dy[0]!
  for (const axis of axes) {
    const matrix = matrixOf(context, axis)
    if (axis === rank - 2) dX = g.emit('MatMul', [matrix, dX])
    else if (axis === rank - 1) dX = g.emit('MatMul', [dX, turned(context, matrix)])
    else {
      const perm = Array.from({ length: rank }, (_, k) => k)
      perm[axis] = rank - 1
      perm[rank - 1] = axis
      const moved = g.emit('Transpose', [dX], { perm })
      dX = g.emit('Transpose', [g.emit('MatMul', [moved, turned(context, matrix)])], { perm })
    }
  }
  return [dX]
}

const turned = ({ g }: RuleContext, matrix: string): string =>
  g.emit('Transpose', [matrix], { perm: [1, 0] })

/** The axes that roi, scales and sizes speak of. */
function namedAxes(context: NodeView): number[] {
  const rank = context.shape(context.x[0]!).length
  const named = context.ints('axes')
  return named
    ? named.map((axis) => positiveAxis(axis, rank))
    : Array.from({ length: rank }, (_, axis) => axis)
}

const crops = (context: NodeView): boolean =>
  context.string('coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize'

/** Axes along which values are mixed or moved. @throws GNT_GRAPH_DYNAMIC_SHAPE where one of them follows the batch */
export function touchedAxes(context: NodeView): number[] {
  const { g, x, y } = context
  const [from, to] = [context.shape(x[0]!), context.shape(y[0]!)]
  const scales = x[2] ? g.initializer(x[2]) : undefined
  const roi = x[1] ? g.initializer(x[1]) : undefined
  const named = namedAxes(context)
  return named.filter((axis, k) => {
    const isScaled = scales ? numbers(scales)[k] !== 1 : !sameSize(from[axis]!, to[axis]!)
    const window = roi ? numbers(roi) : null
    const isWhole = window && window[k] === 0 && window[k + named.length] === 1
    const isTouched =
      isScaled || (crops(context) && !isWhole && isFixed(from[axis]!) && from[axis] !== 1)
    if (isTouched && !(isFixed(from[axis]!) && isFixed(to[axis]!))) throw dynamic(context)
    return isTouched
  })
}

/** Nearest neighbours at a whole factor: each pixel gets the sum of its copies, which is a pool in the blocked layout. */
function byPooling(context: RuleContext, axes: readonly number[]): string | null {
  const { g, x, y, dy } = context
  const [from, to] = [context.shape(x[0]!), context.shape(y[0]!)]
  if (context.string('mode', 'nearest') !== 'nearest' || from.length !== 4) return null
  if (g.info(x[0]!).dtype !== 'float32' || axes.some((axis) => axis < 2)) return null
  const mapping = context.string('coordinate_transformation_mode', 'half_pixel')
  const rounding = context.string('nearest_mode', 'round_prefer_floor')
  const isFloor =
    (mapping === 'asymmetric' && rounding === 'floor') ||
    ((mapping === 'half_pixel' || mapping === 'pytorch_half_pixel') && rounding.startsWith('round'))
  const factors = [2, 3].map((axis) => Number(to[axis]) / Number(from[axis]))
  if (!isFloor || !factors.every(Number.isInteger)) return null
  const mean = g.emit('AveragePool', [dy[0]!], { kernel_shape: factors, strides: factors })
  const count = factors[0]! * factors[1]!
  return count === 1 ? dy[0]! : g.emit('Mul', [mean, context.scalar(count)])
}

/** (in, out): what each input pixel of an axis gives to each output pixel. */
export function matrixOf(context: NodeView, axis: number): string {
  const { g, x, y, node } = context
  const size = context.shape(x[0]!)[axis] as number
  const out = context.shape(y[0]!)[axis] as number
  const { axes: _, keep_aspect_ratio_policy: __, extrapolation_value: ___, ...attrs } = node.attrs
  const identity = Array.from({ length: size * size }, (_unused, k) =>
    k % (size + 1) === 0 ? 1 : 0,
  )
  const eye = g.constant(tensorOf('float32', [1, 1, size, size], identity), 'identity')
  const k = namedAxes(context).indexOf(axis)
  const one = (value: string, index: number): string => g.emit('Gather', [value, g.ints([index])])
  const count = namedAxes(context).length
  const roi = (): string => {
    const { dtype } = g.info(x[1]!)
    const [zeros, ones] = [0, 1].map((value) =>
      g.constant(tensorOf(dtype, [3], [value, value, value]), 'roi'),
    ) as [string, string]
    return g.emit('Concat', [zeros, one(x[1]!, k), ones, one(x[1]!, k + count)], { axis: 0 })
  }
  const ones = (): string => g.constant(tensorOf('float32', [3], [1, 1, 1]), 'ones')
  const policy = context.string('keep_aspect_ratio_policy', 'stretch')
  const inputs = [eye, crops(context) ? roi() : '']
  if (x[2]) inputs.push(g.emit('Concat', [ones(), one(x[2], k)], { axis: 0 }))
  else if (policy === 'stretch') inputs.push('', g.ints([1, 1, size, out]))
  else inputs.push(g.emit('Concat', [ones(), commonScale(context, policy, size, out)], { axis: 0 }))
  const resized = g.emit('Resize', inputs, attrs)
  const matrix = g.emit('Reshape', [resized, g.ints([size, out])])
  return context.info(x[0]!).dtype === 'float32'
    ? matrix
    : g.emit('CastLike', [matrix, context.scalar(0)])
}

/** The one factor for all named axes, by which neither is larger (or smaller) than asked for. */
function commonScale(context: NodeView, policy: string, size: number, out: number): string {
  const { g, x, node } = context
  const sizes = g.initializer(x[3]!)
  const factors = sizes
    ? ints(sizes).map((wanted, k) => {
        const own = context.shape(x[0]!)[namedAxes(context)[k]!]!
        return isFixed(own) ? wanted / own : Number.NaN
      })
    : []
  const scale = policy === 'not_larger' ? Math.min(...factors) : Math.max(...factors)
  if (!(Math.floor(size * Math.fround(scale)) === out))
    throw new GauntletError('GNT_GRAD_NO_RULE', {
      what: `a Resize that keeps the aspect ratio (${policy}) and rounds its size has no gradient rule`,
      where: `node ${node.name}`,
      got: `${size} pixels resized to ${out}`,
      fix: 'export the model with scales instead of sizes',
    })
  return g.constant(tensorOf('float32', [1], [scale]), 'scale')
}

export const resizeRules: RuleTable = { Resize: gradient(resize) }
