import { roundDown, roundUp } from '../float32.js'
import type { Rng } from '../rng.js'
import { moduleBase64 } from './module.js'

// Of the types at hand, only those of browsers know it.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

export type Interval = readonly [number, number]

/** Pointers to samples, how many values each has, then what else the function takes. */
type Loop = (...numbers: number[]) => number

const compiled = new WebAssembly.Module(Buffer.from(moduleBase64, 'base64'))
const code = new WebAssembly.Instance(compiled).exports as Readonly<Record<string, Loop>> & {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
}

/** Places for samples in the module's memory, and what of them is read and written. */
const slots = 6
const base = 1024
const seedsAt = 512
const pageBytes = 65_536
let size = -1
let stride = 0
let pointers: number[] = []
/** By the number of places that a loop takes: their pointers, and the size. */
let heads: (readonly number[])[] = []
let views: Float32Array[] = []
let seeds = new Uint32Array(0)

/** Lays the memory out for samples of n values, each padded to a multiple of eight: draws come in pairs of vectors. */
function layOut(n: number): void {
  const width = Math.ceil(n / 8) * 8
  const missing = base + slots * width * 4 - code.memory.buffer.byteLength
  // What there is not room for throws here, before anything has changed.
  if (missing > 0) code.memory.grow(Math.ceil(missing / pageBytes))
  size = n
  stride = width
  pointers = Array.from({ length: slots }, (_, slot) => base + slot * stride * 4)
  heads = Array.from({ length: slots + 1 }, (_, count) => [...pointers.slice(0, count), size])
  seeds = new Uint32Array(code.memory.buffer, seedsAt, 32)
  views = pointers.map((pointer) => new Float32Array(code.memory.buffer, pointer, stride))
}

/** Copies a sample into its place. @param pad - what stands behind it */
function put(slot: number, values: Float32Array, pad: number): void {
  const view = views[slot]!
  view.set(values)
  if (size < stride) view.fill(pad, size)
}

/**
 * A loop of the module over samples of equal length, in the places from 0 on.
 * @param samples - copied in, but for absent ones; with `rooms` more places behind them
 * @param pad - stands behind the last values of a sample
 */
export function run(
  loop: string,
  samples: readonly (Float32Array | undefined)[],
  numbers: readonly number[] = [],
  { rooms = 0, pad = 0 }: { readonly rooms?: number; readonly pad?: number } = {},
): number {
  const count = samples.length
  const n = samples[0]!.length
  if (n !== size) layOut(n)
  for (let slot = 0; slot < count; slot++) {
    const values = samples[slot]
    if (values) put(slot, values, pad)
  }
  return code[loop]!(...heads[count + rooms]!, ...numbers)
}

/** Eight streams of random numbers begin where `rng` is. @returns what loops that draw take for them */
export function seed(rng: Rng, n: number): number {
  if (n !== size) layOut(n)
  for (let k = 0; k < seeds.length; k++) seeds[k] = rng.uint32()
  return seedsAt
}

/** A loop that fills a sample's place from such streams. */
export function draw(loop: string, rng: Rng, out: Float32Array): void {
  code[loop]!(seed(rng, out.length), pointers[0]!, size)
  take(0, out)
}

/** Copies what the last loop left in a place. */
export function take(slot: number, values: Float32Array): void {
  const view = views[slot]!
  values.set(size < stride ? view.subarray(0, size) : view)
}

/** A float32 is in an interval of float64 where it is in that of the float32s in there. */
export const inward = ([low, high]: Interval): [number, number] => [roundUp(low), roundDown(high)]
