import { GauntletError } from '../../errors.js'
import type { NodeView } from '../../graph/node-view.js'
import { isFixed } from '../../graph/shapes.js'
import { zerosLike } from '../emit.js'
import { dynamic } from '../place.js'
import { gradient, type Gradients, type RuleContext, type RuleTable } from '../rule.js'

/**
 * GridSample over images: Y[n, c, p] = Σ over the corners k around grid point p of w_k · X[n, c, corner k].
 * X (N, C, H, W)   grid (N, H', W', 2) with x before y, −1 to 1   Y (N, C, H', W')   P = H'·W'.
 * dX gathers w_k · dY at each corner; the grid gets Σ_c dY · X at each corner times the slope of its weight.
 * Source: Jaderberg et al. 2015, arXiv:1506.02025, equations 5 to 7.
 */
function gridSample(context: RuleContext): Gradients {
  const { g, x, y, dy, wants, int, string } = context
  const mode = string('mode', 'linear')
  const padding = string('padding_mode', 'zeros')
  const shape = context.shape(x[0]!)
  if (shape.length !== 4 || /cubic/.test(mode) || padding === 'reflection') throw refused(context)
  const [, channels, height, width] = shape
  const [, , outHeight, outWidth] = context.shape(y[0]!)
  const fixed = [channels, height, width, outHeight, outWidth]
  if (!fixed.every((size) => size !== undefined && isFixed(size))) throw dynamic(context)
  const [C, H, W, P] = [channels, height, width, Number(outHeight) * Number(outWidth)] as number[]
  const isAligned = int('align_corners', 0) === 1
  const flatY = g.emit('Reshape', [dy[0]!, g.ints([0, C!, P!])])
  const flatX = g.emit('Reshape', [x[0]!, g.ints([0, C!, H! * W!])])
  const axes = ([0, 1] as const).map((k) =>
    axisOf(context, {
      size: k === 0 ? W! : H!,
      k,
      points: P!,
      isAligned,
      isBorder: padding === 'border',
      mode,
    }),
  ) as [Axis, Axis]

  let dX = g.emit('Reshape', [zerosLike(context, x[0]!), g.ints([0, C!, H! * W!])])
  const slopes: [string[], string[]] = [[], []]
  for (const ny of axes[1].neighbours)
    for (const nx of axes[0].neighbours) {
      const valid = g.emit('Mul', [nx.isInside, ny.isInside])
      const row = g.emit('Mul', [ny.index, context.scalar(W!)])
      const flat = g.emit('Cast', [g.emit('Add', [row, nx.index])], { to: 7 })
      const wide = g.emit('Expand', [g.emit('Unsqueeze', [flat, g.ints([1])]), g.ints([1, C!, 1])])
      if (wants[0]) {
        const weight = g.emit('Mul', [g.emit('Mul', [nx.weight, ny.weight]), valid])
        const part = g.emit('Mul', [flatY, g.emit('Unsqueeze', [weight, g.ints([1])])])
        dX = g.emit('ScatterElements', [dX, wide, part], { axis: 2, reduction: 'add' })
      }
      if (!wants[1]) continue
      const values = g.emit('GatherElements', [flatX, wide], { axis: 2 })
      const products = g.emit('Mul', [flatY, values])
      const sum = g.emit('ReduceSum', [products, g.ints([1])], { keepdims: 0 })
      const felt = g.emit('Mul', [sum, valid])
      slopes[0].push(g.emit('Mul', [g.emit('Mul', [felt, ny.weight]), nx.slope]))
      slopes[1].push(g.emit('Mul', [g.emit('Mul', [felt, nx.weight]), ny.slope]))
    }
  const towards = (k: 0 | 1): string =>
    g.emit('Unsqueeze', [g.emit('Mul', [g.emit('Sum', slopes[k]), axes[k].scale]), g.ints([2])])
  const dGrid = (): string =>
    g.emit('Reshape', [
      g.emit('Concat', [towards(0), towards(1)], { axis: 2 }),
      g.ints([0, Number(outHeight), Number(outWidth), 2]),
    ])
  return [
    wants[0] ? g.emit('Reshape', [dX, g.ints([0, C!, H!, W!])]) : null,
    wants[1] ? dGrid() : null,
  ]
}

/** The one or two pixels along an axis that a grid point reads, each (N, P). */
interface Neighbour {
  readonly index: string
  readonly weight: string
  /** How the weight grows with the pixel coordinate. */
  readonly slope: string
  readonly isInside: string
}

export interface Axis {
  readonly neighbours: readonly Neighbour[]
  /** Pixels per unit of the grid, 0 where the border holds the point. */
  readonly scale: string
}

interface AxisSpec {
  readonly size: number
  /** 0 for x, 1 for y. */
  readonly k: 0 | 1
  readonly points: number
  readonly isAligned: boolean
  readonly isBorder: boolean
  readonly mode: string
}

/** What the grid points of all samples read along one axis, from pixel coordinates. */
export function axisOf(
  context: NodeView,
  { size, k, points, isAligned, isBorder, mode }: AxisSpec,
): Axis {
  const { g, x, scalar } = context
  const all = g.emit('Reshape', [x[1]!, g.ints([0, points, 2])])
  const own = g.emit('Gather', [all, g.scalar(k, 'int64')], { axis: 2 })
  // Pixel coordinates: −1 is the centre of the first pixel where corners are aligned, else its outer edge.
  const factor = isAligned ? (size - 1) / 2 : size / 2
  const offset = (size - 1) / 2
  const free = g.emit('Add', [g.emit('Mul', [own, scalar(factor)]), scalar(offset)])
  const [low, high] = [scalar(0), scalar(size - 1)]
  const at = isBorder ? g.emit('Clip', [free, low, high]) : free
  const same = isBorder ? g.emit('CastLike', [g.emit('Equal', [at, free]), scalar(0)]) : scalar(1)
  const scale = g.emit('Mul', [same, scalar(factor)])
  const neighbour = (pixel: string, weight: string, slope: string): Neighbour => {
    const index = g.emit('Clip', [pixel, low, high])
    const isInside = g.emit('CastLike', [g.emit('Equal', [index, pixel]), scalar(0)])
    return { index, weight, slope, isInside }
  }
  if (mode === 'nearest')
    return { neighbours: [neighbour(g.emit('Round', [at]), scalar(1), scalar(0))], scale }
  const first = g.emit('Floor', [at])
  const part = g.emit('Sub', [at, first])
  return {
    neighbours: [
      neighbour(first, g.emit('Sub', [scalar(1), part]), scalar(-1)),
      neighbour(g.emit('Add', [first, scalar(1)]), part, scalar(1)),
    ],
    scale,
  }
}

function refused(context: RuleContext): GauntletError {
  const { node, string } = context
  return new GauntletError('GNT_GRAD_NO_RULE', {
    what: 'no gradient rule for this form of GridSample',
    where: `node ${node.name}`,
    got: `mode ${string('mode', 'linear')}, padding ${string('padding_mode', 'zeros')}, rank ${context.shape(context.x[0]!).length}`,
    expected: 'linear or nearest, padding zeros or border, images',
    fix: 'use an attack that needs no gradient (gauntlet attacks)',
  })
}

export const gridSampleRules: RuleTable = { GridSample: gradient(gridSample) }
