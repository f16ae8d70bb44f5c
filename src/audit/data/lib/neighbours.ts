import type { Rng } from '../../../util/rng.js'
import type { Embedding } from './embed.js'

/** Nearest neighbours of each sample among those of its own label, and among those of others. */
export interface Neighbours {
  readonly most: number
  /** (count, most) squared distances, ascending; Infinity where fewer were found. */
  readonly same: Float32Array
  readonly other: Float32Array
  /** (count, most), −1 where none. */
  readonly otherIndex: Int32Array
}

export interface SearchOptions {
  /** Neighbours kept of each kind. */
  readonly most: number
  readonly rng: Rng
  checkpoint(): void
}

/** Up to so many samples each is compared with each. */
const exactCount = 6000
const trees = 8
const leafSize = 160

/**
 * Exact for up to 6000 samples; beyond, each is compared with those that share a leaf with it in eight random projection
 * trees, which finds most of the nearest and keeps memory and time linear.
 * Source: Dasgupta & Freund 2008, "Random projection trees and low dimensional manifolds".
 */
export function findNeighbours(embedding: Embedding, options: SearchOptions): Neighbours {
  const count = embedding.labels.length
  const search = new Search(embedding, options.most)
  const all = Int32Array.from({ length: count }, (_, i) => i)
  if (count <= exactCount) search.compare(all, options.checkpoint)
  else
    for (let tree = 0; tree < trees; tree++)
      forEachLeaf(embedding, all, options.rng.fork('tree', tree), (leaf) => {
        options.checkpoint()
        search.compare(leaf)
      })
  return search
}

class Search implements Neighbours {
  readonly most: number
  readonly same: Float32Array
  readonly other: Float32Array
  readonly otherIndex: Int32Array
  readonly #sameIndex: Int32Array
  readonly #embedding: Embedding

  constructor(embedding: Embedding, most: number) {
    const length = embedding.labels.length * most
    this.most = most
    this.#embedding = embedding
    this.same = new Float32Array(length).fill(Infinity)
    this.other = new Float32Array(length).fill(Infinity)
    this.#sameIndex = new Int32Array(length).fill(-1)
    this.otherIndex = new Int32Array(length).fill(-1)
  }

  /** Every pair of these samples. */
  compare(rows: Int32Array, checkpoint?: () => void): void {
    const { labels, points, dims } = this.#embedding
    for (let a = 0; a < rows.length; a++) {
      if (a % 500 === 0) checkpoint?.()
      const i = rows[a]!
      for (let b = a + 1; b < rows.length; b++) {
        const j = rows[b]!
        const isSame = labels[i] === labels[j]
        const [list, ids] = isSame
          ? ([this.same, this.#sameIndex] as const)
          : ([this.other, this.otherIndex] as const)
        const last = this.most - 1
        const worst = Math.max(list[i * this.most + last]!, list[j * this.most + last]!)
        let distance = 0
        for (let d = 0; d < dims && distance < worst; d++)
          distance += (points[i * dims + d]! - points[j * dims + d]!) ** 2
        if (distance >= worst) continue
        this.#insert(list, ids, i, j, distance)
        this.#insert(list, ids, j, i, distance)
      }
    }
  }

  #insert(list: Float32Array, ids: Int32Array, i: number, j: number, distance: number): void {
    const first = i * this.most
    let at = first + this.most - 1
    if (distance >= list[at]!) return
    // Another tree may have brought the two together before.
    for (let k = first; k <= at; k++) if (ids[k] === j) return
    for (; at > first && list[at - 1]! > distance; at--) {
      list[at] = list[at - 1]!
      ids[at] = ids[at - 1]!
    }
    list[at] = distance
    ids[at] = j
  }
}

/** Splits the samples at the median along random directions until few enough are left together. */
function forEachLeaf(
  { points, dims }: Embedding,
  all: Int32Array,
  rng: Rng,
  visit: (rows: Int32Array) => void,
): void {
  const rows = all.slice()
  const along = new Float32Array(rows.length)
  const split = (from: number, to: number): void => {
    if (to - from <= leafSize) return visit(rows.subarray(from, to))
    const direction = Float64Array.from({ length: dims }, () => rng.normal())
    for (let at = from; at < to; at++) {
      let sum = 0
      for (let d = 0; d < dims; d++) sum += direction[d]! * points[rows[at]! * dims + d]!
      along[at] = sum
    }
    const middle = (from + to) >> 1
    selectMiddle(rows, along, from, to - 1, middle)
    split(from, middle)
    split(middle, to)
  }
  split(0, rows.length)
}

/** Puts the least before `middle`, the greatest from it on. Source: Hoare 1961, algorithm 65 (FIND). */
function selectMiddle(
  rows: Int32Array,
  keys: Float32Array,
  from: number,
  to: number,
  middle: number,
): void {
  let [low, high] = [from, to]
  while (low < high) {
    const pivot = keys[(low + high) >> 1]!
    let [i, j] = [low, high]
    while (i <= j) {
      while (keys[i]! < pivot) i++
      while (keys[j]! > pivot) j--
      if (i > j) break
      ;[keys[i], keys[j]] = [keys[j]!, keys[i]!]
      ;[rows[i], rows[j]] = [rows[j]!, rows[i]!]
      i++
      j--
    }
    if (middle <= j) high = j
    else if (middle >= i) low = i
    else return
  }
}
