import type { GraphBuilder } from '../builder.js'
import type { NodeView } from '../node-view.js'
import { isFixed } from '../shapes.js'
import { ints, scalar } from '../tensor.js'
import { cellKinds, type CellKind, type State } from './cells.js'
import { gatesOf, type Gate } from './gates.js'
import type { Lowering, LoweringTable } from './lowering.js'
import { opsOf } from './ops.js'

/**
 * RNN, LSTM and GRU, step by step: what the inputs contribute is one product over all steps, each step adds what the
 * state contributes. X (T, N, I)   W (D, G·H, I)   R (D, G·H, H)   B (D, 2·G·H)   Y (T, D, N, H)   Y_h (D, N, H).
 * ONNX Runtime has no kernel for `layout` 1: `timeFirst` has taken it away. Source: ONNX Operators.md, RNN, LSTM, GRU.
 */
const unroll =
  (kind: CellKind): Lowering =>
  (view) => {
    const { x, y, string, shape } = view
    const length = shape(x[0]!)[0]!
    if (!isFixed(length)) return null
    const ops = opsOf(view.g, view.info(x[0]!).dtype)
    const direction = string('direction', 'forward')
    const count = direction === 'bidirectional' ? 2 : 1
    const gates = gatesOf(view, kind.activations, kind.clipped, count)
    const runs = Array.from({ length: count }, (_, d) =>
      run(view, kind, {
        d,
        count,
        length,
        isReverse: direction === 'reverse' || d === 1,
        gates: gates.slice((d * gates.length) / count, ((d + 1) * gates.length) / count),
      }),
    )
    const whole = (): string =>
      ops.concat(
        runs.map((one) => ops.unsqueeze(ops.concat(one.outputs, 0), 1)),
        1,
      )
    const last = Array.from({ length: kind.states }, (_, k) =>
      ops.concat(
        runs.map((one) => one.states[k]!),
        0,
      ),
    )
    return [y[0] ? whole() : '', ...last]
  }

interface Direction {
  readonly d: number
  readonly count: number
  readonly length: number
  readonly isReverse: boolean
  readonly gates: readonly Gate[]
}

/** @returns the hidden states by step, (1, N, H) each, and the last states */
function run(
  view: NodeView,
  kind: CellKind,
  { d, count, length, isReverse, gates }: Direction,
): { outputs: string[]; states: string[] } {
  const { g, x, shape, info } = view
  const { dtype } = info(x[0]!)
  const ops = opsOf(g, dtype)
  const [, W, R, B] = x
  const hidden = Number(shape(R!)[2])
  /** This direction's part, without the axis of directions. */
  const flat = (value: string): string => {
    const own = count === 1 ? value : g.emit('Gather', [value, g.ints([d])], { axis: 0 })
    return ops.reshape(own, shape(value).slice(1).map(Number))
  }
  const turned = (value: string): string => ops.transpose(flat(value), [1, 0])
  const width = kind.gates * hidden
  const cell = kind.cellOf({
    view,
    ops,
    hidden,
    gates,
    R: turned(R!),
    biases: B ? (ops.split(flat(B), 0, [width, width]) as [string, string]) : null,
    peepholes: x[7]
      ? ops.split(ops.reshape(flat(x[7]), [1, 3 * hidden]), 1, [hidden, hidden, hidden])
      : [],
  })
  const product = ops.matmul(x[0]!, turned(W!))
  const driven = cell.bias ? ops.add(product, cell.bias) : product
  const ones = Array.from({ length }, () => 1)
  const steps = ops.split(driven, 2, cell.widths).map((part) => ops.split(part, 0, ones))
  const initial = (index: number): State => {
    const value = x[index] ? startOf(view, x[index]) : null
    return value === null || count === 1 ? value : g.emit('Gather', [value, g.ints([d])])
  }
  let states = [5, 6].slice(0, kind.states).map(initial)
  const outputs: string[] = []
  const mask = maskOf(view, length)
  for (let k = 0; k < length; k++) {
    const t = isReverse ? length - 1 - k : k
    const next = cell.step(
      steps.map((part) => part[t]!),
      states,
    )
    const living = mask(t)
    // Behind its own end a sequence keeps its state and yields zeros.
    const held = (value: string, state: State): string => {
      const change = ops.mul(living!, state ? ops.sub(value, state) : value)
      return state ? ops.add(state, change) : change
    }
    states = living ? next.map((value, s) => held(value, states[s]!)) : next
    outputs[t] = living ? ops.mul(living, next[0]!) : next[0]!
  }
  return { outputs, states: states as string[] }
}

/**
 * The initial state in the simplest form that broadcasts: null where it is nothing but zeros, which exporters write as
 * wide as the batch; without the Expand where the samples share one. What is made from a computed shape has axes that
 * ONNX Runtime cannot prove, and invents a name for in every step: with 1000 steps it takes minutes to open that.
 */
function startOf({ g, shape }: NodeView, value: string): State {
  if (isBlank(g, value)) return null
  const node = g.producer(value)
  if (node?.op !== 'Expand') return value
  const narrow = shape(node.inputs[0]!)
  return narrow.length === 3 && narrow[1] === 1 ? node.inputs[0]! : value
}

const moving = new Set(['Identity', 'Reshape', 'Expand', 'Slice', 'Squeeze', 'Unsqueeze', 'Gather'])

/** Made of zeros by ConstantOfShape. A constant could be a state that somebody trains. */
function isBlank(g: GraphBuilder, value: string): boolean {
  const node = g.producer(value)
  if (!node || node.domain !== '') return false
  if (moving.has(node.op)) return isBlank(g, node.inputs[0]!)
  const fill = node.attrs['value']
  return node.op === 'ConstantOfShape' && (fill?.kind !== 'tensor' || scalar(fill.value) === 0)
}

/** For each step 1 where a sequence still runs, else 0: (1, N, 1); null where all of them do. */
function maskOf(view: NodeView, length: number): (t: number) => string | null {
  const { g, x, info } = view
  const lengths = x[4]
  if (!lengths) return () => null
  const constant = g.initializer(lengths)
  const shortest = constant ? Math.min(...ints(constant)) : 0
  if (shortest >= length) return () => null
  const ops = opsOf(g, info(x[0]!).dtype)
  const rows = ops.reshape(lengths, [1, -1, 1])
  return (t) =>
    t < shortest
      ? null
      : ops.cast(g.emit('Greater', [rows, g.scalar(t, info(lengths).dtype)]), info(x[0]!).dtype)
}

export const recurrentLowerings: LoweringTable = Object.fromEntries(
  Object.entries(cellKinds).map(([op, kind]) => [op, unroll(kind)]),
)
