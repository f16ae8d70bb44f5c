import type { GraphBuilder } from '../builder.js'
import type { DType } from '../ir.js'

/** The few operators that lowerings are written with; each call appends one node. */
export interface Ops {
  add(a: string, b: string): string
  sub(a: string, b: string): string
  mul(a: string, b: string): string
  div(a: string, b: string): string
  matmul(a: string, b: string): string
  unary(op: string, value: string): string
  /** Multiplied by a number of this dtype; 1 emits nothing. */
  scale(value: string, factor: number): string
  shift(value: string, offset: number): string
  pow(value: string, exponent: number): string
  atLeast(value: string, least: number): string
  /** 0 copies an axis, −1 works one out. */
  reshape(value: string, sizes: readonly number[]): string
  transpose(value: string, perm: readonly number[]): string
  concat(values: readonly string[], axis: number): string
  /** Elements `start` up to `end` along one axis. */
  slice(value: string, axis: number, start: number, end: number, step?: number): string
  unsqueeze(value: string, ...axes: number[]): string
  softmax(value: string): string
  reduce(op: string, value: string, ...axes: number[]): string
  cast(value: string, dtype: DType): string
  /** Parts along an axis. */
  split(value: string, axis: number, sizes: readonly number[]): string[]
}

/** @param dtype - of the numbers that `scale` and `shift` write */
export function opsOf(g: GraphBuilder, dtype: DType): Ops {
  const two = (op: string) => (a: string, b: string) => g.emit(op, [a, b])
  const [add, mul] = [two('Add'), two('Mul')]
  return {
    add,
    mul,
    sub: two('Sub'),
    div: two('Div'),
    matmul: two('MatMul'),
    unary: (op, value) => g.emit(op, [value]),
    scale: (value, factor) => (factor === 1 ? value : mul(value, g.scalar(factor, dtype))),
    pow: (value, exponent) => g.emit('Pow', [value, g.scalar(exponent, dtype)]),
    atLeast: (value, least) => g.emit('Max', [value, g.scalar(least, dtype)]),
    shift: (value, offset) => (offset === 0 ? value : add(value, g.scalar(offset, dtype))),
    reshape: (value, sizes) => g.emit('Reshape', [value, g.ints(sizes)]),
    transpose: (value, perm) => g.emit('Transpose', [value], { perm }),
    concat: (values, axis) =>
      values.length === 1 ? values[0]! : g.emit('Concat', values, { axis }),
    slice: (value, axis, start, end, step = 1) =>
      g.emit('Slice', [value, g.ints([start]), g.ints([end]), g.ints([axis]), g.ints([step])]),
    unsqueeze: (value, ...axes) => g.emit('Unsqueeze', [value, g.ints(axes)]),
    softmax: (value) => g.emit('Softmax', [value], { axis: -1 }),
    reduce: (op, value, ...axes) => g.emit(op, [value, g.ints(axes)], { keepdims: 1 }),
    cast: (value, to) => g.emit('CastLike', [value, g.scalar(0, to)]),
    split: (value, axis, sizes) =>
      sizes.length === 1
        ? [value]
        : g.emitMany('Split', [value, g.ints(sizes)], sizes.length, { axis }),
  }
}
