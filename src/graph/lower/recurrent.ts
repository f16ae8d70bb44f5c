import { GauntletError } from '../../errors.js'
import type { NodeView } from '../node-view.js'
import { isFixed } from '../shapes.js'
import { ints, tensorOf } from '../tensor.js'
import { gatesOf, type Gate } from './gates.js'
import type { Lowering, LoweringTable } from './lowering.js'
import { opsOf, type Ops } from './ops.js'

/**
 * RNN, LSTM and GRU, step by step: what the inputs contribute is one product over all steps, each step adds what the
 * state contributes. X (T, N, I)   W (D, G·H, I)   R (D, G·H, H)   B (D, 2·G·H)   Y (T, D, N, H)   Y_h (D, N, H).
 * Source: ONNX Operators.md, RNN, LSTM, GRU.
 */

/** One direction of a node, its weights turned for products from the left. */
interface Cell {
  readonly view: NodeView
  readonly ops: Ops
  readonly hidden: number
  readonly gates: readonly Gate[]
  /** (H, G·H) */
  readonly R: string
  /** Of the state's product, (G·H), where the kind of cell keeps it apart. */
  readonly stateBias: string | null
  /** (1, H) each, or none: how the LSTM's gates look at the cell. */
  readonly peepholes: readonly string[]
}

/** States (1, N, H): h alone, or h and c. `x` is what the inputs contribute, (1, N, G·H). */
type Step = (cell: Cell, x: string, states: readonly string[]) => string[]

interface Kind {
  readonly gates: number
  readonly activations: readonly string[]
  readonly states: number
  /** The bias of the state's product stays apart from that of the inputs'. */
  readonly separateBias: (view: NodeView) => boolean
  readonly step: Step
}

const parts = ({ ops, hidden }: Cell, value: string, count: number): string[] =>
  ops.split(
    value,
    2,
    Array.from({ length: count }, () => hidden),
  )

const rnn: Step = ({ ops, gates, R }, x, [h]) => [gates[0]!(ops.add(x, ops.matmul(h!, R)))]

const lstm: Step = (cell, x, [h, c]) => {
  const { ops, gates, R, peepholes, view } = cell
  const [f, g, last] = gates as [Gate, Gate, Gate]
  const [i, o, forget, candidate] = parts(cell, ops.add(x, ops.matmul(h!, R)), 4) as [
    string,
    string,
    string,
    string,
  ]
  const seeing = (gate: string, k: number, state: string): string =>
    peepholes[k] ? ops.add(gate, ops.mul(peepholes[k], state)) : gate
  const input = f(seeing(i, 0, c!))
  const kept =
    view.int('input_forget', 0) === 1
      ? ops.shift(ops.scale(input, -1), 1)
      : f(seeing(forget, 2, c!))
  const next = ops.add(ops.mul(kept, c!), ops.mul(input, g(candidate)))
  const output = f(seeing(o, 1, next))
  return [ops.mul(output, last(next)), next]
}

const gru: Step = (cell, x, [h]) => {
  const { ops, gates, R, stateBias, hidden, view } = cell
  const [f, g] = gates as [Gate, Gate]
  const resetsAfter = view.int('linear_before_reset', 0) !== 0
  const [xz, xr, xh] = parts(cell, x, 3) as [string, string, string]
  const [Rzr, Rh] = ops.split(R, 1, [2 * hidden, hidden]) as [string, string]
  const both = ops.matmul(h!, Rzr)
  const [bzr, bh] = stateBias
    ? (ops.split(stateBias, 0, [2 * hidden, hidden]) as [string, string])
    : [null, null]
  const [hz, hr] = parts(cell, bzr ? ops.add(both, bzr) : both, 2) as [string, string]
  const z = f(ops.add(xz, hz))
  const r = f(ops.add(xr, hr))
  const biased = (value: string): string => (bh ? ops.add(value, bh) : value)
  const recurrent = resetsAfter
    ? ops.mul(r, biased(ops.matmul(h!, Rh)))
    : biased(ops.matmul(ops.mul(r, h!), Rh))
  const candidate = g(ops.add(xh, recurrent))
  // (1 − z)·candidate + z·h
  return [ops.add(candidate, ops.mul(z, ops.sub(h!, candidate)))]
}

const kinds: Readonly<Record<string, Kind>> = {
  RNN: {
    gates: 1,
    activations: ['Tanh'],
    states: 1,
    separateBias: () => false,
    step: rnn,
  },
  LSTM: {
    gates: 4,
    activations: ['Sigmoid', 'Tanh', 'Tanh'],
    states: 2,
    separateBias: () => false,
    step: lstm,
  },
  GRU: {
    gates: 3,
    activations: ['Sigmoid', 'Tanh'],
    states: 1,
    separateBias: () => true,
    step: gru,
  },
}

const unroll =
  (kind: Kind): Lowering =>
  (view) => {
    const { x, string, shape } = view
    const length = shape(x[0]!)[0]!
    if (!isFixed(length)) throw dynamic(view)
    const ops = opsOf(view.g, view.info(x[0]!).dtype)
    const direction = string('direction', 'forward')
    const count = direction === 'bidirectional' ? 2 : 1
    const gates = gatesOf(view, kind.activations, count)
    const runs = Array.from({ length: count }, (_, d) =>
      run(view, kind, {
        d,
        count,
        length,
        isReverse: direction === 'reverse' || d === 1,
        gates: gates.slice((d * gates.length) / count, ((d + 1) * gates.length) / count),
      }),
    )
    const y = ops.concat(
      runs.map((one) => ops.unsqueeze(ops.concat(one.outputs, 0), 1)),
      1,
    )
    const last = Array.from({ length: kind.states }, (_, k) =>
      ops.concat(
        runs.map((one) => one.states[k]!),
        0,
      ),
    )
    return [y, ...last]
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
  kind: Kind,
  { d, count, length, isReverse, gates }: Direction,
): { outputs: string[]; states: string[] } {
  const { g, x, shape, info } = view
  const ops = opsOf(g, info(x[0]!).dtype)
  const [, , R, B] = x
  const hidden = Number(shape(R!)[2])
  /** This direction's part, without the axis of directions. */
  const flat = (value: string): string => {
    const own = count === 1 ? value : g.emit('Gather', [value, g.ints([d])], { axis: 0 })
    return ops.reshape(own, shape(value).slice(1).map(Number))
  }
  const turned = (value: string): string => ops.transpose(flat(value), [1, 0])
  const width = kind.gates * hidden
  const [inputBias, stateBias] = B ? ops.split(flat(B), 0, [width, width]) : [null, null]
  const isApart = kind.separateBias(view)
  const product = ops.matmul(x[0]!, turned(x[1]!))
  const bias = inputBias && stateBias && !isApart ? ops.add(inputBias, stateBias) : inputBias
  const driven = bias ? ops.add(product, bias) : product
  const steps = ops.split(
    driven,
    0,
    Array.from({ length }, () => 1),
  )
  const cell: Cell = {
    view,
    ops,
    hidden,
    gates,
    R: turned(R!),
    stateBias: isApart ? stateBias! : null,
    peepholes: x[7]
      ? ops.split(ops.reshape(flat(x[7]), [1, 3 * hidden]), 1, [hidden, hidden, hidden])
      : [],
  }
  const zeros = (): string => {
    const like = g.emit('Shape', [ops.slice(steps[0]!, 2, 0, hidden)])
    const value = tensorOf(info(x[0]!).dtype, [1], [0])
    return g.emit('ConstantOfShape', [like], { value: { kind: 'tensor', value } })
  }
  const initial = (index: number): string => {
    if (!x[index]) return zeros()
    return count === 1 ? x[index] : g.emit('Gather', [x[index], g.ints([d])], { axis: 0 })
  }
  let states = [5, 6].slice(0, kind.states).map(initial)
  const outputs: string[] = []
  const mask = maskOf(view, length)
  for (let k = 0; k < length; k++) {
    const t = isReverse ? length - 1 - k : k
    const next = kind.step(cell, steps[t]!, states)
    const living = mask(t)
    // Behind its own end a sequence keeps its state and yields zeros.
    states = living
      ? next.map((value, s) => ops.add(states[s]!, ops.mul(living, ops.sub(value, states[s]!))))
      : next
    outputs[t] = living ? ops.mul(living, next[0]!) : next[0]!
  }
  return { outputs, states }
}

/** For each step 1 where a sequence still runs, else 0: (1, N, 1); null where all of them do. */
function maskOf(view: NodeView, length: number): (t: number) => string | null {
  const { g, x, info } = view
  const lengths = x[4]
  if (!lengths) return () => null
  const constant = g.initializer(lengths)
  if (constant && ints(constant).every((one) => one >= length)) return () => null
  const ops = opsOf(g, info(x[0]!).dtype)
  const rows = ops.reshape(lengths, [1, -1, 1])
  return (t) =>
    ops.cast(g.emit('Greater', [rows, g.scalar(t, info(lengths).dtype)]), info(x[0]!).dtype)
}

function dynamic({ node }: NodeView): GauntletError {
  return new GauntletError('GNT_GRAPH_DYNAMIC_SHAPE', {
    what: `${node.op} is differentiated for sequences of a fixed length`,
    where: `node ${node.name}`,
    got: 'a length that follows the batch',
    fix: 'export the model with a fixed sequence length',
  })
}

export const recurrentLowerings: LoweringTable = Object.fromEntries(
  Object.entries(kinds).map(([op, kind]) => [op, unroll(kind)]),
)
