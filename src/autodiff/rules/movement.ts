import { isFixed, sameSize, type Size } from '../../graph/shapes.js'
import { positiveAxis, zerosLike } from '../emit.js'
import { cut, dynamic, padded, reshape, scaled } from '../place.js'
import {
  broadcasting,
  gradient,
  type Gradients,
  type RuleContext,
  type RuleTable,
} from '../rule.js'
import { scatterThrough } from '../scatter.js'
import { slice } from '../slice.js'

/** Whatever only renames the axes goes back by a Reshape. */
function reshaped({ g, x, dy, shape }: RuleContext): Gradients {
  return [g.reshapeTo(dy[0]!, shape(x[0]!), x[0]!)]
}

function transpose({ g, x, dy, ints, shape }: RuleContext): Gradients {
  const rank = shape(x[0]!).length
  const perm = ints('perm') ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis)
  return [g.emit('Transpose', [dy[0]!], { perm: perm.map((_, axis) => perm.indexOf(axis)) })]
}

/** Each input gets its piece of dY. One wanted piece is cut out, several are split. */
function concat(context: RuleContext): Gradients {
  const { g, x, dy, wants, shape } = context
  const axis = positiveAxis(context.int('axis', 0), shape(x[0]!).length)
  const sizes = x.map((input) => shape(input)[axis]!)
  if (!sizes.every(isFixed)) {
    const counts = x.map((input) => g.emit('Shape', [input], { start: axis, end: axis + 1 }))
    const all = g.emit('Concat', counts, { axis: 0 })
    return g.emitMany('Split', [dy[0]!, all], x.length, { axis })
  }
  if (x.length > 1 && wants.filter(Boolean).length === 1) {
    const at = wants.indexOf(true)
    const begin = sizes.slice(0, at).reduce((sum, size) => sum + size, 0)
    const piece = cut(context, dy[0]!, [axis], [begin], [begin + sizes[at]!])
    return x.map((_, k) => (k === at ? piece : null))
  }
  return g.emitMany('Split', [dy[0]!, g.ints(sizes)], x.length, { axis })
}

/** The pieces' gradients side by side; zeros for a piece the loss does not read. */
function split(context: RuleContext): Gradients {
  const { g, x, y, dy, shape } = context
  const axis = positiveAxis(context.int('axis', 0), shape(x[0]!).length)
  const sizes = y.map((output) => (output === '' ? null : shape(output)[axis]!))
  const alone = dy.findIndex((part) => part !== null)
  const isAlone = dy.filter((part) => part !== null).length === 1
  const before = sizes.slice(0, alone)
  const total = shape(x[0]!)[axis]!
  if (isAlone && isFixed(total) && before.every((size) => size !== null && isFixed(size))) {
    const begin = before.reduce<number>((sum, size) => sum + (size as number), 0)
    const own = sizes[alone] as number
    return [padded(context, dy[alone]!, [axis], [begin], [total - begin - own])]
  }
  const parts = dy.map((part, k) => part ?? zerosLike(context, y[k]!))
  return [parts.length === 1 ? parts[0]! : g.emit('Concat', parts, { axis })]
}

/** Constant mode: dX is the middle of dY, and the constant gets what lies around it. Else the padding repeats X. */
function pad(context: RuleContext): Gradients {
  const { g, x, dy, wants, node } = context
  if (context.string('mode', 'constant') !== 'constant')
    return [
      scatterThrough(context, (positions) => {
        const inputs = [positions, x[1]!, ...(x[3] ? ['', x[3]] : [])]
        return g.emit('Pad', inputs, node.attrs)
      }),
    ]
  const shape = context.shape(x[0]!)
  const pads = context.constantInts(1) ?? []
  const axes = (context.constantInts(3) ?? shape.map((_, axis) => axis)).map((axis) =>
    positiveAxis(axis, shape.length),
  )
  const begin = pads.slice(0, axes.length)
  const end = pads.slice(axes.length)
  const used = axes.flatMap((axis, k) => (begin[k] || end[k] ? [k] : []))
  const middle = (): string => {
    if (used.length === 0) return dy[0]!
    const canCut = used.every((k) => begin[k]! >= 0 && end[k]! >= 0 && isFixed(shape[axes[k]!]!))
    if (!canCut)
      return padded(
        context,
        dy[0]!,
        axes,
        begin.map((one) => -one),
        end.map((one) => -one),
      )
    const stops = used.map((k) => begin[k]! + (shape[axes[k]!] as number))
    return cut(
      context,
      dy[0]!,
      used.map((k) => axes[k]!),
      used.map((k) => begin[k]!),
      stops,
    )
  }
  const dX = wants[0] || wants[2] ? middle() : null
  const around = (): string =>
    g.emit('Sub', [
      g.emit('ReduceSum', [dy[0]!], { keepdims: 0 }),
      g.emit('ReduceSum', [dX!], { keepdims: 0 }),
    ])
  return [dX, null, wants[2] ? g.reshapeTo(around(), context.shape(x[2]!), x[2]!) : null]
}

/** Tile repeats X along each axis: dX sums over the repetitions, which Reshape makes axes of their own. */
function tile(context: RuleContext): Gradients {
  const { g, x, y, dy } = context
  const shape = context.shape(x[0]!)
  const parts: Size[] = []
  const repeats: number[] = []
  for (const [axis, size] of shape.entries()) {
    const whole = context.shape(y[0]!)[axis]!
    if (!sameSize(whole, size)) {
      repeats.push(parts.length)
      parts.push(ratioOf(whole, size, context))
    }
    parts.push(size)
  }
  if (repeats.length === 0) return [dy[0]!]
  return [g.emit('ReduceSum', [reshape(context, dy[0]!, parts), g.ints(repeats)], { keepdims: 0 })]
}

function ratioOf(whole: Size, part: Size, context: RuleContext): Size {
  if (isFixed(part)) return isFixed(whole) ? whole / part : { perBatch: whole.perBatch / part }
  if (!isFixed(whole)) return whole.perBatch / part.perBatch
  throw dynamic(context)
}

/** X (N, C·b², H, W) → Y (N, C, H·b, W·b). SpaceToDepth undoes the order DCR; CRD is undone axis by axis. */
function depthToSpace(context: RuleContext): Gradients {
  const { g, x, dy } = context
  const b = context.int('blocksize', 1)
  if (context.string('mode', 'DCR') === 'DCR')
    return [g.emit('SpaceToDepth', [dy[0]!], { blocksize: b })]
  const [n, depth, height, width] = context.shape(x[0]!) as [Size, Size, Size, Size]
  const apart = reshape(context, dy[0]!, [n, scaled(depth, 1 / (b * b)), height, b, width, b])
  const ordered = g.emit('Transpose', [apart], { perm: [0, 1, 3, 5, 2, 4] })
  return [g.reshapeTo(ordered, context.shape(x[0]!), x[0]!)]
}

export const movementRules: RuleTable = {
  Reshape: gradient(reshaped),
  Flatten: gradient(reshaped),
  Squeeze: gradient(reshaped),
  Unsqueeze: gradient(reshaped),
  Transpose: gradient(transpose),
  Expand: broadcasting(({ dy }) => [dy[0]!]),
  Concat: gradient(concat),
  Split: gradient(split),
  Slice: gradient(slice),
  Pad: gradient(pad),
  Tile: gradient(tile),
  DepthToSpace: gradient(depthToSpace),
  SpaceToDepth: gradient(({ g, dy, int }) => [
    g.emit('DepthToSpace', [dy[0]!], { blocksize: int('blocksize', 1), mode: 'DCR' }),
  ]),
  /** The kept triangle is the same for dY. */
  Trilu: gradient(({ g, x, dy, node }) => [g.emit('Trilu', [dy[0]!, ...x.slice(1)], node.attrs)]),
}
