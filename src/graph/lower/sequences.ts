import type { GraphBuilder } from '../builder.js'
import type { Node } from '../ir.js'
import type { NodeView } from '../node-view.js'
import { isFixed } from '../shapes.js'
import { ints, tensorOfBools } from '../tensor.js'
import type { Lowering, LoweringTable } from './lowering.js'
import { opsOf } from './ops.js'

/**
 * Sequences of tensors, as exporters write lists that a loop fills: once the loop is unrolled, every element is a value
 * with a name. Nodes that make sequences stay until nobody reads them; those that read one get the element itself.
 * ONNX Runtime writes a SequenceMap as a Loop.
 */

interface Known {
  readonly kind: 'sequence' | 'optional'
  /** Names of tensors; of an optional one or none. */
  readonly elements: readonly string[]
}

const knownBy = new WeakMap<GraphBuilder, Map<string, Known>>()

function knownOf(g: GraphBuilder): Map<string, Known> {
  const known = knownBy.get(g) ?? new Map<string, Known>()
  knownBy.set(g, known)
  return known
}

const elementsOf = ({ g }: NodeView, name: string): readonly string[] | undefined => {
  const found = knownOf(g).get(name)
  return found?.kind === 'sequence' ? found.elements : undefined
}

/** Notes the elements of a sequence that a node makes; undefined where they are not known. */
const making =
  (read: (view: NodeView) => readonly string[] | undefined): Lowering =>
  (view) => {
    const elements = read(view)
    if (elements) knownOf(view.g).set(view.y[0]!, { kind: 'sequence', elements })
    return null
  }

/** A constant position, from the end if it is negative. */
function positionOf({ g, x }: NodeView, index: number, length: number): number | undefined {
  const tensor = g.initializer(x[index] ?? '')
  const position = tensor && ints(tensor)[0]!
  return position !== undefined && position < 0 ? position + length : position
}

const insert = making((view) => {
  const list = elementsOf(view, view.x[0]!)
  const at = list && (view.x[2] ? positionOf(view, 2, list.length) : list.length)
  return at === undefined ? undefined : list?.toSpliced(at, 0, view.x[1]!)
})

const erase = making((view) => {
  const list = elementsOf(view, view.x[0]!)
  const at = list && (view.x[1] ? positionOf(view, 1, list.length) : list.length - 1)
  return at === undefined ? undefined : list?.toSpliced(at, 1)
})

/** Pieces of one lose the axis unless `keepdims` says otherwise; a list of lengths keeps it, as in ONNX Runtime. */
const split = making(({ g, x, int, shape }) => {
  const sizes = shape(x[0]!)
  const given = int('axis', 0)
  const axis = given < 0 ? given + sizes.length : given
  const size = sizes[axis]!
  const lengths = x[1] ? g.initializer(x[1]) : undefined
  if (!isFixed(size) || (x[1] && !lengths)) return undefined
  const ops = opsOf(g, 'float32')
  const parts = ops.split(x[0]!, axis, pieces(size, lengths && ints(lengths), lengths?.dims.length))
  return lengths?.dims.length === 1 || int('keepdims', 1) === 1
    ? parts
    : parts.map((part) => g.emit('Squeeze', [part, g.ints([axis])]))
})

function pieces(size: number, lengths: readonly number[] = [1], rank = 0): readonly number[] {
  if (rank === 1) return lengths
  const [chunk] = lengths as [number]
  return Array.from({ length: Math.ceil(size / chunk) }, (_, k) =>
    Math.min(chunk, size - k * chunk),
  )
}

const at: Lowering = (view) => {
  const list = elementsOf(view, view.x[0]!)
  const position = list && positionOf(view, 1, list.length)
  const element = position === undefined ? undefined : list?.[position]
  return element === undefined ? null : [element]
}

const concat: Lowering = (view) => {
  const list = elementsOf(view, view.x[0]!)
  if (!list || list.length === 0) return null
  const ops = opsOf(view.g, 'float32')
  const axis = view.int('axis', 0)
  const isNew = view.int('new_axis', 0) === 1
  return [ops.concat(isNew ? list.map((one) => ops.unsqueeze(one, axis)) : list, axis)]
}

const length: Lowering = (view) => {
  const list = elementsOf(view, view.x[0]!)
  return list ? [view.g.scalar(list.length, 'int64')] : null
}

/** An Identity is another name for a sequence. */
export function handOnSequence(g: GraphBuilder, { op, inputs, outputs }: Node): void {
  const known = op === 'Identity' ? knownBy.get(g)?.get(inputs[0]!) : undefined
  if (known) knownOf(g).set(outputs[0]!, known)
}

const optional: Lowering = ({ g, x, y }) => {
  knownOf(g).set(y[0]!, { kind: 'optional', elements: x.filter((name) => name !== '') })
  return null
}

const element: Lowering = ({ g, x }) => {
  const known = knownOf(g).get(x[0]!)
  if (known?.kind === 'optional') return known.elements.length > 0 ? known.elements : null
  return known || g.knows(x[0]!) ? [x[0]!] : null
}

const hasElement: Lowering = ({ g, x }) => {
  const known = knownOf(g).get(x[0] ?? '')
  if (!known && x[0] && !g.knows(x[0])) return null
  const isThere = known?.kind === 'optional' ? known.elements.length > 0 : Boolean(x[0])
  return [g.constant(tensorOfBools([], [isThere]))]
}

export const sequenceLowerings: LoweringTable = {
  SequenceEmpty: making(() => []),
  SequenceConstruct: making(({ x }) => x),
  SequenceInsert: insert,
  SequenceErase: erase,
  SplitToSequence: split,
  SequenceAt: at,
  SequenceLength: length,
  ConcatFromSequence: concat,
  Optional: optional,
  OptionalGetElement: element,
  OptionalHasElement: hasElement,
}
