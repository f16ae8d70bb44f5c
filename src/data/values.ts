import { GauntletError } from '../errors.js'
import type { NumericArray, RawArray } from './raw.js'

/** The scale of stored values: what they may be, and what they become. */
export interface Scale {
  /** In stored units. */
  readonly low: number
  readonly high: number
  readonly divisor: number
}

interface Extent {
  readonly least: number
  readonly greatest: number
  readonly areBytes: boolean
}

/** Values this far outside the range, as a fraction of its width, are rounding and are clipped. */
const roundingSlack = 1e-6

/**
 * The range the stored values are held to. [0, 255] means 8-bit pixels, which is also what uint8
 * arrays are when nothing is declared; a table has its own extent; all else is [0, 1].
 *
 * @param first - index of the first sample: what is checked may be a part
 * @throws GauntletError GNT_DATA_VALUES for NaN, Infinity, or a value outside the range
 */
export function checkScale(
  raw: RawArray,
  size: number,
  declared: readonly [number, number] | undefined,
  isTable: boolean,
  where: string,
  first = 0,
): Scale & { readonly areBytes: boolean } {
  const extent = measure(raw, size, where, first)
  const [low, high] = declared ?? defaultRange(raw, extent, isTable)
  const divisor = !(isTable && !declared) && low === 0 && high === 255 ? 255 : 1
  if (!(low < high))
    throw new GauntletError('GNT_DATA_VALUES', {
      what: declared ? 'the declared range is empty' : 'all values are the same',
      where,
      got: `${low}..${high}`,
      expected: 'a least and a greatest value that differ',
      fix: 'pass --range LOW..HIGH',
    })
  const slack = (high - low) * roundingSlack
  if (extent.least < low - slack || extent.greatest > high + slack)
    throw outside(raw, size, [low, high], slack, extent, declared, where, first)
  if (divisor === 255 && !extent.areBytes && extent.greatest <= 1)
    throw new GauntletError('GNT_DATA_VALUES', {
      what: 'values do not look like 8-bit pixels',
      where,
      got: `fractions up to ${show(extent.greatest)}`,
      expected: 'values up to 255',
      fix: 'pass --range 0..1',
    })
  return { low, high, divisor, areBytes: extent.areBytes }
}

function defaultRange(raw: RawArray, extent: Extent, isTable: boolean): readonly [number, number] {
  if (isTable) return [extent.least, extent.greatest]
  return raw.kind === 'uint8' ? [0, 255] : [0, 1]
}

function measure(raw: RawArray, size: number, where: string, first: number): Extent {
  let least = Infinity
  let greatest = -Infinity
  let areBytes = true
  const { data } = raw
  for (let i = 0; i < data.length; i++) {
    // As it will be kept: a float64 value may leave its range by rounding to float32, or overflow.
    const value = Math.fround(data[i] ?? 0)
    if (!Number.isFinite(value))
      throw new GauntletError('GNT_DATA_VALUES', {
        what: 'value is not a finite number',
        where: `${where}, sample ${first + Math.floor(i / size)}`,
        got: String(data[i]),
        expected: 'finite numbers only',
        fix: 'remove or repair the sample',
      })
    if (value < least) least = value
    if (value > greatest) greatest = value
    if (areBytes) areBytes = (value & 0xff) === value
  }
  return { least, greatest, areBytes }
}

function outside(
  raw: RawArray,
  size: number,
  [low, high]: readonly [number, number],
  slack: number,
  extent: Extent,
  declared: readonly [number, number] | undefined,
  where: string,
  first: number,
): GauntletError {
  const isOutside = (value: number) =>
    Math.fround(value) < low - slack || Math.fround(value) > high + slack
  const at = raw.data.findIndex(isOutside)
  const { least, greatest } = extent
  const looksLikePixels = least >= 0 && greatest > 127 && greatest <= 255 && high !== 255
  const range = looksLikePixels ? '0..255' : `${Math.floor(least)}..${Math.ceil(greatest)}`
  return new GauntletError('GNT_DATA_VALUES', {
    what: 'value outside the range',
    where: `${where}, sample ${first + Math.floor(at / size)}`,
    got: `${show(raw.data[at] ?? Number.NaN)} (all values: ${show(least)}..${show(greatest)})`,
    expected: `${show(low)}..${show(high)}${declared ? '' : ', the default for this kind of values'}`,
    fix: `pass --range ${range} if that is the range the values were stored in`,
  })
}

function show(value: number): string {
  return String(Number(value.toPrecision(6)))
}

/**
 * Copies samples into memory that threads can share: a Uint8Array if every value is an integer
 * from 0 to 255, else a Float32Array clipped to the range.
 *
 * @param order - from `storedOrder`; undefined copies straight through
 */
export function shareValues(
  data: NumericArray,
  order: Int32Array | undefined,
  { low, high, areBytes }: Scale & { readonly areBytes: boolean },
): Uint8Array | Float32Array {
  const bytes = data.length * (areBytes ? 1 : 4)
  const memory = new SharedArrayBuffer(bytes)
  const out = areBytes ? new Uint8Array(memory) : new Float32Array(memory)
  if (!order) out.set(data)
  else
    for (let base = 0; base < data.length; base += order.length)
      for (let i = 0; i < order.length; i++) out[base + i] = data[base + (order[i] ?? 0)] ?? 0
  if (out instanceof Float32Array) clip(out, low, high)
  return out
}

/** Clips to the greatest float32 interval inside [low, high]. */
export function clip(values: Float32Array, low: number, high: number): void {
  const least = Math.fround(low) < low ? nextFloat(low, 1) : Math.fround(low)
  const greatest = Math.fround(high) > high ? nextFloat(high, -1) : Math.fround(high)
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0
    if (value < least) values[i] = least
    else if (value > greatest) values[i] = greatest
  }
}

/** The float32 next to `Math.fround(value)` upwards (1) or downwards (-1). */
function nextFloat(value: number, direction: 1 | -1): number {
  const float = new Float32Array([value])
  const bits = new Int32Array(float.buffer)
  bits[0] = (bits[0] ?? 0) + (value < 0 ? -direction : direction)
  return float[0] ?? value
}
