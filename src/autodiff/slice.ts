import { isFixed, sameSize, type Shape } from '../graph/shapes.js'
import { numbers } from '../graph/tensor.js'
import { positiveAxis } from './emit.js'
import { padded, reshape, scaled } from './place.js'
import type { Gradients, RuleContext } from './rule.js'
import { scatterThrough } from './scatter.js'

/** Per sliced axis of X: what Slice reads, in rising order. */
interface Cut {
  readonly axis: number
  readonly size: number
  readonly first: number
  readonly length: number
  readonly step: number
  readonly isReversed: boolean
}

/**
 * Slice: zeros around dY; between its elements too where the step is not ±1; reversed first where it is negative.
 * Bounds that are computed, or that cut the batch axis, are followed by slicing the positions themselves.
 */
export function slice(context: RuleContext): Gradients {
  const { g, x, y, dy } = context
  const cuts = cutsOf(context)
  if (!cuts)
    return [scatterThrough(context, (positions) => g.emit('Slice', [positions, ...x.slice(1)]))]
  const reversed = cuts.filter((one) => one.isReversed)
  let part = dy[0]!
  if (reversed.length > 0) {
    const all = (value: number): string => g.ints(reversed.map(() => value))
    const axes = g.ints(reversed.map((one) => one.axis))
    part = g.emit('Slice', [part, all(-1), all(-(2 ** 62)), axes, all(-1)])
  }
  const stepped = cuts.filter((one) => one.step > 1)
  if (stepped.length > 0) part = spread(context, part, stepped, context.shape(y[0]!))
  return [
    padded(
      context,
      part,
      cuts.map((one) => one.axis),
      cuts.map((one) => one.first),
      cuts.map((one) => one.size - one.first - one.length * one.step),
    ),
  ]
}

/** @returns null where the bounds are not constant or an axis that follows the batch is cut */
function cutsOf(context: RuleContext): Cut[] | null {
  const { g, x } = context
  const shape = context.shape(x[0]!)
  const read = (index: number): number[] | null | undefined => {
    const name = x[index]
    if (!name) return undefined
    const tensor = g.initializer(name)
    return tensor ? Array.from(numbers(tensor)) : null
  }
  const [starts, ends, givenAxes, givenSteps] = [1, 2, 3, 4].map(read)
  if (!starts || !ends || givenAxes === null || givenSteps === null) return null
  const axes = (givenAxes ?? starts.map((_, k) => k)).map((axis) =>
    positiveAxis(axis, shape.length),
  )
  const steps = givenSteps ?? starts.map(() => 1)
  const cuts: Cut[] = []
  for (const [k, axis] of axes.entries()) {
    const size = shape[axis]!
    const step = steps[k]!
    if (!isFixed(size)) {
      if (step === 1 && sameSize(size, context.shape(context.y[0]!)[axis]!)) continue
      return null
    }
    const length = context.shape(context.y[0]!)[axis] as number
    const [lowest, highest] = step > 0 ? [0, size] : [0, size - 1]
    const from = starts[k]! < 0 ? starts[k]! + size : starts[k]!
    const start = Math.min(Math.max(from, lowest), highest)
    const isReversed = step < 0
    const first = isReversed ? start + (length - 1) * step : start
    cuts.push({ axis, size, first, length, step: Math.abs(step), isReversed })
  }
  return cuts
}

/** (…, L, …) → (…, L·step, …): each element followed by step − 1 zeros. */
function spread(context: RuleContext, value: string, cuts: readonly Cut[], shape: Shape): string {
  const { g } = context
  const stepOf = (axis: number): number => cuts.find((one) => one.axis === axis)?.step ?? 1
  const added = cuts.map(
    (one) => one.axis + 1 + cuts.filter((other) => other.axis < one.axis).length,
  )
  const sorted = added.toSorted((a, b) => a - b)
  const steps = shape.flatMap((_, axis) => (stepOf(axis) > 1 ? [stepOf(axis)] : []))
  const apart = padded(
    context,
    g.emit('Unsqueeze', [value, g.ints(sorted)]),
    sorted,
    sorted.map(() => 0),
    steps.map((step) => step - 1),
    shape.length + steps.length,
  )
  return reshape(
    context,
    apart,
    shape.map((size, axis) => scaled(size, stepOf(axis))),
  )
}
