import { GauntletError } from '../errors.js'

export type NumericArray =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array

/** An array as a file holds it, in C order. */
export interface RawArray {
  readonly data: NumericArray
  readonly shape: readonly number[]
  /** How the file stores a value; decides what the default range is. */
  readonly kind: 'uint8' | 'bool' | 'integer' | 'float'
}

/** What a reader hands on: nothing in it has been checked but that the file is well-formed. */
export interface RawSamples {
  /** Format as reports name it. */
  readonly format: string
  /** (N, ...sample) */
  readonly values: RawArray
  /** (N), (N, 1) or one-hot (N, K) */
  readonly labels: RawArray
  /** A table's default range is its own least and greatest value. */
  readonly isTable?: boolean
  /** Known from the format; the user's declaration wins where the format leaves it open. */
  readonly layout?: 'nchw' | 'nhwc'
  /** Known from the format. */
  readonly classes?: number
  readonly classNames?: readonly string[]
  /** Of a table, names of its columns but that of the labels. */
  readonly featureNames?: readonly string[]
}

/** A file is not what its format says. */
export function formatError(
  what: string,
  where: string,
  detail: { got?: string; expected?: string; fix?: string; cause?: unknown } = {},
): GauntletError {
  const { cause, ...rest } = detail
  return new GauntletError('GNT_DATA_FORMAT', { what, where, ...rest }, { cause })
}

export function shapeText(shape: readonly number[]): string {
  return `(${shape.join(', ')})`
}

export function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1)
}

/** Text out of an untrusted file, fit for a message: short, and no control characters. */
export function printable(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 80)
}
