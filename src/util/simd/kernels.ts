import { roundDown, roundUp } from '../float32.js'
import { moduleBase64 } from './module.js'

/**
 * Loops over the values of one sample, four at a time: they take a quarter to a sixth of what the same loops take in
 * JavaScript, copying into the module's memory included. Arrays of one call have the same length; sums are in float64.
 * They round alike on every machine: WebAssembly has no other way.
 */

type Interval = readonly [number, number]

// Of the types at hand, only those of browsers know it.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  clampWithin(point: number, clean: number, lower: number, upper: number, n: number): number
  clampBetween(point: number, clean: number, n: number, least: number, most: number): number
  isBetween(point: number, n: number, least: number, most: number): number
  distanceLinf(a: number, b: number, n: number): number
  squaredDistance(a: number, b: number, n: number): number
  distanceL1(a: number, b: number, n: number): number
  lean(point: number, clean: number, n: number, factor: number, least: number, most: number): void
  squareOf(values: number, n: number): number
  lengthL1(values: number, n: number): number
  moveLinf(
    ...pointers: [number, number, number, number, number, number, n: number, ...rest: number[]]
  ): void
  moveL2(...numbers: number[]): void
  fabStep(...numbers: number[]): void
}

const compiled = new WebAssembly.Module(Buffer.from(moduleBase64, 'base64'))
const code = new WebAssembly.Instance(compiled).exports as Exports

/** Places for samples in the module's memory, and what of them is read and written. */
const slots = 6
const base = 1024
const pageBytes = 65_536
let size = -1
let stride = 0
let pointers: number[] = []
let views: Float32Array[] = []

/** Lays the memory out for samples of n values, each padded to a multiple of four. */
function layOut(n: number): void {
  size = n
  stride = Math.ceil(n / 4) * 4
  const missing = base + slots * stride * 4 - code.memory.buffer.byteLength
  if (missing > 0) code.memory.grow(Math.ceil(missing / pageBytes))
  pointers = Array.from({ length: slots }, (_, slot) => base + slot * stride * 4)
  views = pointers.map((pointer) => new Float32Array(code.memory.buffer, pointer, stride))
}

/** Copies a sample into its place. @param pad - what stands behind it */
function put(slot: number, values: Float32Array, pad = 0): number {
  if (values.length !== size) layOut(values.length)
  const view = views[slot]!
  view.set(values)
  if (size < stride) view.fill(pad, size)
  return pointers[slot]!
}

function take(slot: number, values: Float32Array): void {
  const view = views[slot]!
  values.set(size < stride ? view.subarray(0, size) : view)
}

/** A float32 is in an interval of float64 where it is in that of the float32s in there. */
const inward = ([low, high]: Interval): [number, number] => [roundUp(low), roundDown(high)]

/** Of `clampWithin` in the module: whether a value has changed, and whether one was not finite. */
const changed = 1
const strange = 2

/** Each value into its interval, in place; NaN becomes the clean value first. @returns whether one was not finite */
export function clampWithin(
  point: Float32Array,
  clean: Float32Array,
  lower: Float32Array,
  upper: Float32Array,
): boolean {
  const flags = code.clampWithin(put(0, point), put(1, clean), put(2, lower), put(3, upper), size)
  if (flags & changed) take(0, point)
  return (flags & strange) !== 0
}

/** Likewise, of the same interval for all. */
export function clampBetween(
  point: Float32Array,
  clean: Float32Array,
  interval: Interval,
): boolean {
  const flags = code.clampBetween(put(0, point), put(1, clean), size, ...inward(interval))
  if (flags & changed) take(0, point)
  return (flags & strange) !== 0
}

/** Whether all values are in the interval; a NaN is not. */
export function isBetween(point: Float32Array, interval: Interval): boolean {
  return code.isBetween(put(0, point, point[0]), stride, ...inward(interval)) !== 0
}

/** max |aᵢ − bᵢ|, exact; NaN where there is one. */
export function distanceLinf(a: Float32Array, b: Float32Array): number {
  return code.distanceLinf(put(0, a), put(1, b), size)
}

/** ‖a − b‖₂ */
export function distanceL2(a: Float32Array, b: Float32Array): number {
  return Math.sqrt(code.squaredDistance(put(0, a), put(1, b), size))
}

/** ‖a − b‖₁ */
export function distanceL1(a: Float32Array, b: Float32Array): number {
  return code.distanceL1(put(0, a), put(1, b), size)
}

/** Σ vᵢ² */
export function squareOf(values: Float32Array): number {
  return code.squareOf(put(0, values), size)
}

/** Σ |vᵢ| */
export function lengthL1(values: Float32Array): number {
  return code.lengthL1(put(0, values), size)
}

/** point ← clean + factor·(point − clean), rounded once, then into the interval. In place. */
export function lean(
  point: Float32Array,
  clean: Float32Array,
  factor: number,
  interval: Interval = [-Infinity, Infinity],
): void {
  code.lean(put(0, point), put(1, clean), size, factor, ...inward(interval))
  take(0, point)
}

/** What a step with momentum reads and writes: `point` becomes the next point and `previous` the current one. */
export interface Move {
  readonly point: Float32Array
  readonly previous: Float32Array
  readonly gradient: Float32Array
  readonly stepSize: number
  /** α: the share of the new direction; the rest is the last move's. */
  readonly share: number
}

/**
 * z = P(x + η·scale·sign ∇), x ← P(x + α·(z − x) + (1 − α)·(x − previous)), P being the box.
 * Source: Croce & Hein 2020, arXiv:2003.01690, eqs. 3 and 4.
 */
export function moveLinf({
  point,
  previous,
  gradient,
  lower,
  upper,
  scale,
  stepSize,
  share,
}: Move & {
  readonly lower: Float32Array
  readonly upper: Float32Array
  readonly scale: Float32Array
}): void {
  code.moveLinf(
    put(0, point),
    put(1, previous),
    put(2, gradient),
    put(3, lower),
    put(4, upper),
    put(5, scale),
    size,
    stepSize,
    share,
  )
  take(0, point)
  take(1, previous)
}

/** Likewise with z = P(x + η·∇/‖∇‖₂), P being first the ball of the radius around `clean`, then the interval. */
export function moveL2({
  point,
  previous,
  gradient,
  clean,
  radius,
  bounds,
  stepSize,
  share,
}: Move & {
  readonly clean: Float32Array
  readonly radius: number
  readonly bounds: Interval
}): void {
  code.moveL2(
    put(0, point),
    put(1, previous),
    put(2, gradient),
    put(3, clean),
    pointers[4]!,
    size,
    stepSize,
    share,
    radius,
    ...inward(bounds),
  )
  take(0, point)
  take(1, previous)
}

/** A border, linear around `point`: { z : gap + w·(z − point) = 0 }, and where points may be. */
export interface Border {
  readonly clean: Float32Array
  readonly w: Float32Array
  readonly gap: number
  readonly isLinf: boolean
  readonly bounds: Interval
}

/**
 * x ← (1 − α)·(x + η·δx) + α·(c + η·δc): δx and δc are the least steps from x and from c to the border within the bounds;
 * where there are none, those that come nearest to it. α = min(‖δx‖ / (‖δx‖ + ‖δc‖), alphaMax).
 *
 * In L∞ δᵢ = min(t, roomᵢ) and in L2 δᵢ = min(t·|wᵢ|, roomᵢ), along ± sign wᵢ, for one t of all values: the root of
 * Σ |wᵢδᵢ| = need, concave and piecewise linear in t, so Newton's method from 0 never passes it, and ends on its piece.
 * Source: Croce & Hein 2020, arXiv:1907.02044, section 2.2, eq. 7 and the problems (3) and (4) of its appendix.
 */
export function stepToBorder(
  point: Float32Array,
  { clean, w, gap, isLinf, bounds }: Border,
  { alphaMax, overshoot }: { readonly alphaMax: number; readonly overshoot: number },
): void {
  code.fabStep(
    put(0, point),
    put(1, clean),
    put(2, w),
    size,
    gap,
    alphaMax,
    overshoot,
    Number(isLinf),
    ...inward(bounds),
  )
  take(0, point)
}
