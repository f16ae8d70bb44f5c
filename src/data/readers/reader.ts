import type { DatasetSpec } from '../dataset.js'
import type { RawSamples } from '../raw.js'

/** What a reader is shown: a file with its bytes, or a folder with the names in it. */
export interface DataSource {
  readonly spec: DatasetSpec
  readonly path: string
  /** Empty for a folder. */
  readonly bytes: Uint8Array
  /** Sorted; undefined for a file. */
  readonly names?: readonly string[] | undefined
}

/** One file format. To add one: a file beside this one, and a line in `readers/index.ts`. */
export interface DataReader {
  readonly format: NonNullable<DatasetSpec['format']>
  readonly readsFolders: boolean
  /** The bytes, or the folder's names, are certainly of this format. */
  isCertain(source: DataSource): boolean
  /** The file's name says so; asked only when no reader is certain. */
  readonly extension: RegExp
  /** @throws GauntletError GNT_FILE, GNT_DATA_FORMAT */
  read(source: DataSource): RawSamples | Promise<RawSamples>
}
