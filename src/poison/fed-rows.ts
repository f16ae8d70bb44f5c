import { createHash } from 'node:crypto'
import { sha256 } from '../util/hash.js'

/** Whether, and as what, a row went into training. */
interface WatchedRow {
  readonly row: number
  /** Steps that it was fed to: one each epoch, 0 if it never was. */
  readonly steps: number
  /** Digests of what was fed (`rowDigest`): one, unless the data changed on the way. */
  readonly digests: readonly string[]
}

/** What really went into training, seen from inside the loop: the evidence for signal B12. */
export interface FedRows {
  /** Distinct rows that were fed. */
  readonly rows: number
  /** SHA-256 over the digests of all rows that were fed, in the order of the rows. */
  readonly digest: string
  readonly watched: readonly WatchedRow[]
}

/**
 * SHA-256 of a row as it is fed: its values as float32, little-endian, in the data's units, before augmentation, then
 * its label as int32.
 */
export function rowDigest(values: Float32Array, label: number): string {
  return sha256(
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    new Uint8Array(Int32Array.of(label).buffer),
  )
}

/** Takes down what is fed. Rows that are not watched are digested once. */
export class FedRecord {
  readonly #first = new Map<number, string>()
  readonly #watched: ReadonlyMap<number, { steps: number; digests: Set<string> }>

  constructor(watch: readonly number[]) {
    this.#watched = new Map(watch.map((row) => [row, { steps: 0, digests: new Set<string>() }]))
  }

  note(row: number, values: Float32Array, label: number): void {
    const watched = this.#watched.get(row)
    if (!watched && this.#first.has(row)) return
    const digest = rowDigest(values, label)
    if (!this.#first.has(row)) this.#first.set(row, digest)
    if (!watched) return
    watched.steps++
    watched.digests.add(digest)
  }

  result(): FedRows {
    const hash = createHash('sha256')
    for (const [, digest] of [...this.#first].toSorted(([a], [b]) => a - b)) hash.update(digest)
    return {
      rows: this.#first.size,
      digest: hash.digest('hex'),
      watched: [...this.#watched].map(([row, { steps, digests }]) => ({
        row,
        steps,
        digests: [...digests],
      })),
    }
  }
}
