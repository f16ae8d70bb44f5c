import type { Box } from '../threat/constraints.js'

/**
 * The samples still standing, packed into the front of flat arrays so that a batch is a view, not a copy.
 * Row r of every array belongs to the sample `ids[r]` of the shard.
 */
export class Living {
  readonly size: number
  ids: number[]
  /** Clean samples and current points: (living × size). */
  readonly x: Float32Array
  xAdv: Float32Array
  /** Where a step writes the next points; `swap` makes them the current ones. */
  #next: Float32Array
  /** The boxes that samples may move in, once they have been asked for: (living × size) each. */
  #boxes: Box | undefined
  readonly labels: BigInt64Array
  readonly targets: BigInt64Array
  /** The classes that a call goes towards, where these are not the targets. */
  readonly towards: BigInt64Array
  readonly #columns = new Map<string, Column>()

  constructor(ids: readonly number[], size: number) {
    const n = ids.length
    this.size = size
    this.ids = [...ids]
    this.x = new Float32Array(n * size)
    this.xAdv = new Float32Array(n * size)
    this.#next = new Float32Array(n * size)
    this.labels = new BigInt64Array(n)
    this.targets = new BigInt64Array(n)
    this.towards = new BigInt64Array(n)
  }

  get count(): number {
    return this.ids.length
  }

  row(array: Float32Array, r: number): Float32Array {
    return array.subarray(r * this.size, (r + 1) * this.size)
  }

  /** @param boxOf - the box of a sample */
  boxes(boxOf: (id: number) => Box): Box {
    if (this.#boxes) return this.#boxes
    const length = this.x.length
    this.#boxes = { lower: new Float32Array(length), upper: new Float32Array(length) }
    this.ids.forEach((id, row) => this.fillBox(row, () => boxOf(id)))
    return this.#boxes
  }

  /** Where boxes are kept. */
  fillBox(row: number, box: () => Box): void {
    if (!this.#boxes) return
    const { lower, upper } = box()
    this.row(this.#boxes.lower, row).set(lower)
    this.row(this.#boxes.upper, row).set(upper)
  }

  /** More of each sample, by name, `width` values a row: all `initial`, the first time it is asked for. */
  column(name: string, width: number, initial = 0): Column {
    let column = this.#columns.get(name)
    if (!column) {
      column = new Column(this.labels.length, width)
      column.data.fill(initial)
      this.#columns.set(name, column)
    }
    return column
  }

  /** Takes the columns back to what they are in the beginning. */
  forgetColumns(): void {
    this.#columns.clear()
  }

  /** `count` rows from `from` on of the array the next points go to. */
  nextRows(from: number, count: number): Float32Array {
    return this.#next.subarray(from * this.size, (from + count) * this.size)
  }

  swap(): void {
    ;[this.xAdv, this.#next] = [this.#next, this.xAdv]
  }

  /** @returns the row, behind the others, that a sample which was taken out has from now on */
  add(id: number): number {
    return this.ids.push(id) - 1
  }

  /** Takes rows out and closes the gaps, keeping the order. */
  remove(rows: ReadonlySet<number>): void {
    if (rows.size === 0) return
    const { lower, upper } = this.#boxes ?? {}
    const samples = [this.x, this.xAdv, ...(lower && upper ? [lower, upper] : [])]
    let to = 0
    const kept: number[] = []
    for (let r = 0; r < this.ids.length; r++) {
      if (rows.has(r)) continue
      if (to !== r) {
        for (const array of samples)
          array.copyWithin(to * this.size, r * this.size, (r + 1) * this.size)
        this.labels[to] = this.labels[r]!
        this.targets[to] = this.targets[r]!
        for (const column of this.#columns.values()) column.row(to).set(column.row(r))
      }
      kept.push(this.ids[r]!)
      to++
    }
    this.ids = kept
  }
}

/** Rows of equal width. */
export class Column {
  readonly width: number
  data: Float32Array
  /** Where a step writes what comes next; `swap` makes it the data. Only what a step changes has it. */
  #next: Float32Array | undefined

  constructor(rows: number, width: number) {
    this.width = width
    this.data = new Float32Array(rows * width)
  }

  row(r: number): Float32Array {
    return this.data.subarray(r * this.width, (r + 1) * this.width)
  }

  rows(from: number, count: number): Float32Array {
    return this.data.subarray(from * this.width, (from + count) * this.width)
  }

  nextRows(from: number, count: number): Float32Array {
    this.#next ??= new Float32Array(this.data.length)
    return this.#next.subarray(from * this.width, (from + count) * this.width)
  }

  swap(): void {
    if (this.#next) [this.data, this.#next] = [this.#next, this.data]
  }
}
