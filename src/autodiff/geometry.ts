import { GauntletError } from '../errors.js'
import { isFixed } from '../graph/shapes.js'
import type { NodeView } from '../graph/node-view.js'

/** Window geometry of a Conv or pool with explicit pads, one entry per spatial axis. */
export interface Geometry {
  readonly input: readonly number[]
  readonly output: readonly number[]
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly begin: readonly number[]
  readonly end: readonly number[]
}

/**
 * Reads strides, dilations, pads and auto_pad of a node whose spatial sizes are known.
 * `end` is the padding the windows really use, so that with it `input` and `output` agree exactly; it is
 * negative where the last windows stop short of the border, and above the declared pad with ceil_mode.
 *
 * @throws GNT_GRAPH_DYNAMIC_SHAPE when a spatial size follows the batch or is unknown
 * Source: ONNX Operators.md, Conv and MaxPool (output shape formulas).
 */
export function geometryOf(context: NodeView, kernel: readonly number[]): Geometry {
  const input = spatial(context, context.x[0]!)
  const output = spatial(context, context.y[0]!)
  const ones = input.map(() => 1)
  const strides = context.ints('strides') ?? ones
  const dilations = context.ints('dilations') ?? ones
  const pads = context.ints('pads') ?? input.map(() => 0).concat(input.map(() => 0))
  const autoPad = context.string('auto_pad', 'NOTSET')
  const begin = input.map((size, axis) => {
    if (autoPad === 'VALID') return 0
    if (autoPad === 'NOTSET' || autoPad === '') return pads[axis]!
    const reach = (kernel[axis]! - 1) * dilations[axis]! + 1
    const total = Math.max(0, (output[axis]! - 1) * strides[axis]! + reach - size)
    return autoPad === 'SAME_LOWER' ? Math.ceil(total / 2) : Math.floor(total / 2)
  })
  const end = input.map((size, axis) => {
    const reach = (kernel[axis]! - 1) * dilations[axis]! + 1
    return (output[axis]! - 1) * strides[axis]! + reach - begin[axis]! - size
  })
  return { input, output, kernel, strides, dilations, begin, end }
}

function spatial(context: NodeView, name: string): number[] {
  return context
    .shape(name)
    .slice(2)
    .map((size) => {
      if (isFixed(size)) return size
      throw new GauntletError('GNT_GRAPH_DYNAMIC_SHAPE', {
        what: `a spatial size of ${context.node.op} follows the batch`,
        where: `node ${context.node.name}`,
        fix: 'export the model with a fixed image size',
      })
    })
}

/** ConvTranspose attributes that undo `geometry`: sizes come out as its input's. */
export function transposed(geometry: Geometry): Record<string, readonly number[]> {
  return {
    kernel_shape: geometry.kernel,
    strides: geometry.strides,
    dilations: geometry.dilations,
    pads: [...geometry.begin, ...geometry.end.map((pad) => Math.max(0, pad))],
    output_padding: geometry.end.map((pad) => Math.max(0, -pad)),
  }
}

/** Padding at the end of each axis that a file asks for: what ceil_mode adds to it counts in no average. */
function declaredEnd({ ints, string }: NodeView, { kernel, end }: Geometry): readonly number[] {
  const autoPad = string('auto_pad', 'NOTSET')
  if (autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER')
    return end.map((pad) => Math.max(0, pad))
  const pads = autoPad === 'VALID' ? undefined : ints('pads')
  return pads ? pads.slice(kernel.length) : kernel.map(() => 0)
}

/** How many elements each window of an AveragePool averages, C order over the output's spatial axes. */
export function windowCounts(view: NodeView, geometry: Geometry): number[] {
  const { input, output, kernel, strides, dilations, begin } = geometry
  const includesPad = view.int('count_include_pad', 0) === 1
  const declared = declaredEnd(view, geometry)
  const perAxis = kernel.map((k, axis) => {
    const first = includesPad ? -begin[axis]! : 0
    const last = input[axis]! + (includesPad ? declared[axis]! : 0)
    return Array.from({ length: output[axis]! }, (_, o) => {
      const start = o * strides[axis]! - begin[axis]!
      const seen = Array.from({ length: k }, (_tap, tap) => start + tap * dilations[axis]!)
      return seen.filter((at) => at >= first && at < last).length
    })
  })
  return perAxis.reduce<number[]>((all, one) => all.flatMap((a) => one.map((b) => a * b)), [1])
}

/**
 * Padding at the beginning of each axis of a ConvTranspose: declared, or what `output_shape` or `auto_pad` leave over,
 * the larger half of an odd rest in front unless it is SAME_UPPER. Source: ONNX Operators.md, ConvTranspose.
 */
export function transposedBegin(view: NodeView, kernel: readonly number[]): readonly number[] {
  const { x, y, ints, string, shape } = view
  const autoPad = string('auto_pad', 'NOTSET')
  const none = kernel.map(() => 0)
  if (autoPad === 'VALID') return none
  if (ints('output_shape') === undefined && !autoPad.startsWith('SAME'))
    return ints('pads')?.slice(0, kernel.length) ?? none
  return kernel.map((k, axis) => {
    const size = shape(x[0]!)[2 + axis] as number
    const reach = (k - 1) * (ints('dilations')?.[axis] ?? 1) + 1
    const full = (size - 1) * (ints('strides')?.[axis] ?? 1) + (ints('output_padding')?.[axis] ?? 0)
    const total = Math.max(0, full + reach - (shape(y[0]!)[2 + axis] as number))
    return autoPad === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2)
  })
}
