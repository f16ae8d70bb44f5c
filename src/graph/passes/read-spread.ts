import type { GraphBuilder } from '../builder.js'
import type { Node, Tensor } from '../ir.js'
import { isFixed } from '../shapes.js'
import { ints } from '../tensor.js'
import type { Readers } from './readers.js'

/** A DepthToSpace of Convs: what `lowerSpreads` replaces. */
export interface Spread {
  readonly block: number
  readonly channels: number
  /** Size of what DepthToSpace yields, and of what remains of it. */
  readonly height: number
  readonly width: number
  readonly cut: Cut | null
  /** The value to replace, and whether an elementwise operator reads it. */
  readonly result: string
  readonly feedsElementwise: boolean
  /** What is put in place: the sum of these, or else the phases as they are. */
  readonly terms: readonly Term[]
  readonly phases: readonly string[] | null
}

interface Cut {
  readonly starts: readonly number[]
  readonly ends: readonly number[]
}

export interface Term {
  readonly x: string
  readonly weight: Tensor
  readonly name: string
  /** top, left, bottom, right */
  readonly pads: readonly number[]
}

export function readSpread(g: GraphBuilder, node: Node, sites: Readers): Spread | null {
  const { blocksize, mode } = node.attrs
  const output = node.outputs[0]!
  if (node.op !== 'DepthToSpace' || node.domain !== '' || blocksize?.kind !== 'int') return null
  if (mode?.kind === 'string' && mode.value !== 'DCR') return null
  if (!g.knows(output) || sites.isOutput(output)) return null
  const [, channels, height, width] = g.info(output).shape
  if (![channels, height, width].every((size) => size !== undefined && isFixed(size))) return null
  const phases = phasesOf(g, node, sites)
  const terms = phases ? [] : termsOf(g, node.inputs[0]!, sites)
  if (!terms) return null
  const slice = sites.isPrivate(output) ? sites.readers(output)[0]! : null
  const cut = slice ? cutOf(g, slice) : null
  const result = cut ? slice!.outputs[0]! : output
  if (sites.isOutput(result)) return null
  const elementwise = new Set(['Mul', 'Add', 'Sum'])
  return {
    block: blocksize.value,
    channels: channels as number,
    height: height as number,
    width: width as number,
    cut,
    result,
    feedsElementwise: sites.readers(result).some((reader) => elementwise.has(reader.op)),
    terms,
    phases,
  }
}

/** The s² values of equal channels that a DepthToSpace puts in place, if they are no more than side by side. */
export function phasesOf(
  g: GraphBuilder,
  { inputs, attrs: { blocksize } }: Node,
  sites: Readers,
): readonly string[] | null {
  const stack = sites.producer(inputs[0]!)
  if (stack?.op !== 'Concat' || stack.domain !== '' || !sites.isPrivate(inputs[0]!)) return null
  const { axis } = stack.attrs
  if (axis?.kind !== 'int' || axis.value !== 1 || blocksize?.kind !== 'int') return null
  const channels = stack.inputs.map((part) => (g.knows(part) ? g.info(part).shape[1] : undefined))
  const isEven = channels.every((count) => count !== undefined && count === channels[0])
  return isEven && channels.length === blocksize.value ** 2 ? stack.inputs : null
}

/** The Convs whose sum a value is, if it is nothing else. */
function termsOf(g: GraphBuilder, value: string, sites: Readers): Term[] | null {
  const node = sites.producer(value)
  if (!node || node.domain !== '' || !sites.isPrivate(value)) return null
  if (node.op === 'Add' || node.op === 'Sum') {
    const parts = node.inputs.map((input) => termsOf(g, input, sites))
    return parts.every((part) => part !== null) ? parts.flat() : null
  }
  const weight = node.inputs[1] ? g.initializer(node.inputs[1]) : undefined
  const { pads, group, strides, dilations, auto_pad: autoPad } = node.attrs
  const ones = [strides, dilations].every(
    (a) => a?.kind !== 'ints' || a.value.every((size) => size === 1),
  )
  const isPlain =
    node.op === 'Conv' && ones && !node.inputs[2] && (group?.kind !== 'int' || group.value === 1)
  const isExplicit = autoPad?.kind !== 'string' || autoPad.value === 'NOTSET'
  if (!isPlain || !isExplicit || weight?.dtype !== 'float32' || weight.dims.length !== 4)
    return null
  return [
    {
      x: node.inputs[0]!,
      weight,
      name: node.inputs[1]!,
      pads: pads?.kind === 'ints' ? pads.value : [0, 0, 0, 0],
    },
  ]
}

function cutOf(g: GraphBuilder, node: Node): Cut | null {
  if (node.op !== 'Slice' || node.domain !== '' || node.inputs.length !== 4) return null
  const [starts, ends, axes] = node.inputs.slice(1).map((name) => g.initializer(name))
  if (!starts || !ends || !axes || ints(axes).join() !== '2,3') return null
  return { starts: ints(starts), ends: ints(ends) }
}
