import type { NodeView } from '../node-view.js'
import type { Gate } from './gates.js'
import type { Ops } from './ops.js'

/**
 * The cells of RNN, LSTM and GRU, one step each. Whatever does not change from step to step is computed once, in front.
 * Source: ONNX Operators.md, RNN, LSTM, GRU.
 */

/** What one direction of a node is made of, its weights turned for products from the left. */
interface CellParts {
  readonly view: NodeView
  readonly ops: Ops
  readonly hidden: number
  readonly gates: readonly Gate[]
  /** (H, G·H) */
  readonly R: string
  /** Of the inputs' product and of the state's, (G·H) each. */
  readonly biases: readonly [string, string] | null
  /** (1, H) each, for input, output and forget gate, or none: how the LSTM's gates look at the cell. */
  readonly peepholes: readonly string[]
}

interface Cell {
  /** What is added to the inputs' product, (G·H), for all steps at once. */
  readonly bias: string | null
  /** The parts of the inputs' product that a step takes, by their lengths along the last axis. */
  readonly widths: readonly number[]
  /** From (1, N, widths[k]) each and the states (1, N, H), h alone or h and c, to the next states. */
  step(x: readonly string[], states: readonly State[]): string[]
}

/** Null is zero: nothing is computed with it. */
export type State = string | null

export interface CellKind {
  readonly gates: number
  readonly activations: readonly string[]
  /** How many of them the attribute `clip` concerns: ONNX Runtime leaves the cell in the LSTM's last one as it is. */
  readonly clipped: number
  readonly states: number
  readonly cellOf: (parts: CellParts) => Cell
}

const plus = (ops: Ops, a: string, b: State | undefined): string => (b ? ops.add(a, b) : a)

const bothBiases = ({ ops, biases }: CellParts): string | null =>
  biases && ops.add(biases[0], biases[1])

/** h ← f(X + h·R) */
function rnn(parts: CellParts): Cell {
  const { ops, gates, R, hidden } = parts
  return {
    bias: bothBiases(parts),
    widths: [hidden],
    step: ([x], [h]) => [gates[0]!(plus(ops, x!, h && ops.matmul(h, R)))],
  }
}

/**
 * i, o, f ← f(X + h·R + P ∘ c);  c ← f ∘ c + i ∘ g(…);  h ← o ∘ h(c).  The output gate looks at the new cell. Without
 * peepholes the three gates are one activation.
 */
function lstm(parts: CellParts): Cell {
  const { ops, gates, R, hidden, peepholes, view } = parts
  const [f, g, last] = gates as [Gate, Gate, Gate]
  const isCoupled = view.int('input_forget', 0) === 1
  const threes = [hidden, hidden, hidden]
  const next = (i: string, forget: string, candidate: string, c: State): string => {
    const kept = (): string => (isCoupled ? ops.shift(ops.scale(i, -1), 1) : forget)
    return plus(ops, ops.mul(i, g(candidate)), c && ops.mul(kept(), c))
  }
  const plain: Cell['step'] = ([x], [h, c]) => {
    const sum = plus(ops, x!, h ? ops.matmul(h, R) : null)
    const [open, candidate] = ops.split(sum, 2, [3 * hidden, hidden]) as [string, string]
    const [i, o, forget] = ops.split(f(open), 2, threes) as [string, string, string]
    const cell = next(i, forget, candidate, c ?? null)
    return [ops.mul(o, last(cell)), cell]
  }
  const looking: Cell['step'] = ([x], [h, c]) => {
    const sum = plus(ops, x!, h ? ops.matmul(h, R) : null)
    const [xi, xo, xf, candidate] = ops.split(sum, 2, [...threes, hidden]) as [
      string,
      string,
      string,
      string,
    ]
    const at = (gate: string, k: number, state: State): string =>
      f(plus(ops, gate, state && ops.mul(peepholes[k]!, state)))
    const forget = isCoupled ? '' : at(xf, 2, c ?? null)
    const cell = next(at(xi, 0, c ?? null), forget, candidate, c ?? null)
    return [ops.mul(at(xo, 1, cell), last(cell)), cell]
  }
  return {
    bias: bothBiases(parts),
    widths: [4 * hidden],
    step: peepholes.length > 0 ? looking : plain,
  }
}

/**
 * z, r ← f(X + h·R);  h ← (1 − z) ∘ g(Xh + (r ∘ h)·Rh) + z ∘ h.  With `linear_before_reset` the gate r comes after the
 * product and its bias, which then stays apart.
 */
function gru(parts: CellParts): Cell {
  const { ops, gates, R, hidden, biases, view } = parts
  const [f, g] = gates as [Gate, Gate]
  const resetsAfter = view.int('linear_before_reset', 0) !== 0
  const widths = [2 * hidden, hidden]
  const cut = (value: string, axis: number): [string, string] =>
    ops.split(value, axis, widths) as [string, string]
  const blend = (zr: string, candidateOf: (r: string) => string, h: State): string => {
    const [z, r] = ops.split(f(zr), 2, [hidden, hidden]) as [string, string]
    const candidate = g(candidateOf(r))
    const change = h ? ops.mul(z, ops.sub(h, candidate)) : ops.mul(z, ops.scale(candidate, -1))
    return ops.add(candidate, change)
  }
  if (!resetsAfter) {
    const [Rzr, Rh] = cut(R, 1)
    return {
      bias: bothBiases(parts),
      widths,
      step: ([xzr, xh], [h]) => {
        const reset = (r: string): string => plus(ops, xh!, h && ops.matmul(ops.mul(r, h), Rh))
        return [blend(plus(ops, xzr!, h && ops.matmul(h, Rzr)), reset, h ?? null)]
      },
    }
  }
  const [[xBias, xhBias], [hBias, hhBias]] = biases
    ? [cut(biases[0], 0), cut(biases[1], 0)]
    : [[], []]
  return {
    bias: biases && ops.concat([ops.add(xBias!, hBias!), xhBias!], 0),
    widths,
    step: ([xzr, xh], [h]) => {
      const [hzr, product] = h ? cut(ops.matmul(h, R), 2) : [null, null]
      const biased = product && hhBias ? ops.add(product, hhBias) : (product ?? hhBias)
      const reset = (r: string): string => plus(ops, xh!, biased && ops.mul(r, biased))
      return [blend(plus(ops, xzr!, hzr), reset, h ?? null)]
    },
  }
}

export const cellKinds: Readonly<Record<string, CellKind>> = {
  RNN: { gates: 1, activations: ['Tanh'], clipped: 1, states: 1, cellOf: rnn },
  LSTM: { gates: 4, activations: ['Sigmoid', 'Tanh', 'Tanh'], clipped: 2, states: 2, cellOf: lstm },
  GRU: { gates: 3, activations: ['Sigmoid', 'Tanh'], clipped: 2, states: 1, cellOf: gru },
}
