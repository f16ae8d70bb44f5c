import { randomUUID } from 'node:crypto'
import { open, rm, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Rows of floats that are written once and read often: in memory while they are few, else in a temporary file. */
export class Spill {
  readonly width: number
  readonly #rows: Float32Array | null
  readonly #file: FileHandle | null
  readonly #path: string | null

  private constructor(
    width: number,
    rows: Float32Array | null,
    file: FileHandle | null,
    path: string | null,
  ) {
    this.width = width
    this.#rows = rows
    this.#file = file
    this.#path = path
  }

  /** @param memoryBytes - more go to the file */
  static async open(count: number, width: number, memoryBytes: number): Promise<Spill> {
    if (count * width * 4 <= memoryBytes)
      return new Spill(width, new Float32Array(count * width), null, null)
    const path = join(tmpdir(), `gauntlet-features-${randomUUID()}`)
    const file = await open(path, 'wx+')
    // The file lives on without its name, and goes with the process however that ends; not so on Windows.
    if (process.platform !== 'win32') await rm(path)
    return new Spill(width, null, file, path)
  }

  async write(from: number, rows: Float32Array): Promise<void> {
    if (this.#rows) return this.#rows.set(rows, from * this.width)
    const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength)
    await this.#file!.write(bytes, 0, bytes.length, from * this.width * 4)
  }

  async read(from: number, count: number): Promise<Float32Array> {
    if (this.#rows) return this.#rows.subarray(from * this.width, (from + count) * this.width)
    const out = new Float32Array(count * this.width)
    await this.#file!.read(new Uint8Array(out.buffer), 0, out.byteLength, from * this.width * 4)
    return out
  }

  async close(): Promise<void> {
    await this.#file?.close()
    if (this.#path !== null) await rm(this.#path, { force: true })
  }
}
