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
