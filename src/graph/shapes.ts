import type { DType } from './ir.js'

/** One axis of a probed value: a fixed length, or `perBatch × N` where N is the batch size of the run. */
export type Size = number | { readonly perBatch: number }
export type Shape = readonly Size[]

export interface ValueInfo {
  readonly dtype: DType
  readonly shape: Shape
}

/** What is known of every value of a graph, by name. */
export type ValueInfos = ReadonlyMap<string, ValueInfo>

export const isFixed = (size: Size): size is number => typeof size === 'number'

export function sameSize(a: Size, b: Size): boolean {
  return isFixed(a) || isFixed(b) ? a === b : a.perBatch === b.perBatch
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => sameSize(size, b[axis]!))
}

/**
 * The constant that makes `Reshape` produce `shape`: the one axis that follows the batch becomes −1, or 0
 * (copied) where it is the first of `from`, the shape before, as well. A copied axis keeps its symbol, and only
 * values of provably equal shape stay in ONNX Runtime's blocked layout through a Mul.
 * @returns null when two axes follow the batch, so that no constant will do
 */
export function reshapeTarget(shape: Shape, from?: Shape): number[] | null {
  const [first, ...rest] = shape
  if (first !== undefined && !isFixed(first) && from?.[0] !== undefined && sameSize(first, from[0]))
    if (rest.every(isFixed)) return [0, ...rest]
  if (shape.filter((size) => !isFixed(size)).length > 1) return null
  return shape.map((size) => (isFixed(size) ? size : -1))
}

/** The axes of length 1 that `wide` has and `narrow` has not; null where they differ in anything else. */
export function addedAxes(wide: Shape, narrow: Shape): number[] | null {
  const added: number[] = []
  wide.forEach((size, axis) => {
    const next = narrow[axis - added.length]
    if (size === 1 && (next === undefined || next !== 1)) added.push(axis)
  })
  const kept = wide.filter((_, axis) => !added.includes(axis))
  return added.length > 0 && sameShape(kept, narrow) ? added : null
}

/** `[N, 3, 2N]`, for messages. */
export function formatShape(shape: Shape): string {
  const axes = shape.map((size) =>
    isFixed(size) ? String(size) : size.perBatch === 1 ? 'N' : `${size.perBatch}N`,
  )
  return `[${axes.join(', ')}]`
}
