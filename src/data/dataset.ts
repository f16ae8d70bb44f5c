/**
 * Labelled samples in memory, channels first for images. The values a model sees before its own
 * preprocessing are `values / divisor`, which lie in `range`: the space an attack lives in, and the
 * unit of epsilon, mean and std.
 */
export interface Dataset {
  /** Path or name as the user gave it. */
  readonly source: string
  /** `npz`, `npy`, `idx`, `cifar10-binary`, `image-folder`, `csv`, `glyphs`. */
  readonly format: string
  /** SHA-256 over shape, divisor, range, values and labels; independent of the file's format. */
  readonly digest: string
  readonly count: number
  /** Shape of one sample without the batch axis: [C, H, W] for images, [F] for tables. */
  readonly shape: readonly number[]
  /** Least and greatest value an input may take: [0, 1] for 8-bit pixels. */
  readonly range: readonly [number, number]
  /** 255 for 8-bit pixels, 1 otherwise. */
  readonly divisor: number
  /** `count × size(shape)` values in C order, backed by a SharedArrayBuffer so that threads share them. */
  readonly values: Uint8Array | Float32Array
  readonly labels: Int32Array
  /** Number of classes: as declared, else 1 + the greatest label. */
  readonly classes: number
  readonly classNames?: readonly string[] | undefined
  /** A sample as the file holds it, where that is not `shape`: (H, W) or (H, W, C). */
  readonly stored?:
    { readonly shape: readonly number[]; readonly isChannelsLast: boolean } | undefined
  /** Names of a table's columns, one a value. */
  readonly featureNames?: readonly string[] | undefined
}

export const dataFormats = [
  'npz',
  'npy',
  'idx',
  'cifar10-binary',
  'image-folder',
  'csv',
  'glyphs',
] as const

/** How a user names a data set, as it stands in a configuration or on the command line. */
export interface DatasetSpec {
  /** A file or folder, or `glyphs` for the built-in synthetic set. */
  readonly path: string
  /** Found from the file itself when not given. */
  readonly format?: (typeof dataFormats)[number] | undefined
  /** Separate label file for npy and idx. */
  readonly labels?: string | undefined
  /** The range the stored values lie in. [0, 255] means 8-bit pixels: they are divided by 255. */
  readonly range?: readonly [number, number] | undefined
  /** Layout of the stored images; found from the shape when not given. */
  readonly layout?: 'nchw' | 'nhwc' | undefined
  readonly classes?: number | undefined
  /** Take the first `limit` samples, or all. */
  readonly limit?: number | undefined
  /** Only for synthetic sets. */
  readonly seed?: number | undefined
}

export function sampleSize(dataset: Pick<Dataset, 'shape'>): number {
  return dataset.shape.reduce((product, size) => product * size, 1)
}

/** Samples `indices` in the attack's space. @returns a fresh (indices.length × size) array, C order */
export function takeSamples(
  dataset: Pick<Dataset, 'shape' | 'values' | 'divisor'>,
  indices: readonly number[],
): Float32Array {
  const size = sampleSize(dataset)
  const out = new Float32Array(indices.length * size)
  const { values, divisor } = dataset
  indices.forEach((index, row) =>
    out.set(values.subarray(index * size, (index + 1) * size), row * size),
  )
  // Float32 division: the same as dividing in float64 and rounding, for quotients of floats.
  if (divisor !== 1) for (let i = 0; i < out.length; i++) out[i]! /= divisor
  return out
}
