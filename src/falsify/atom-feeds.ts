import type { Region } from '../property/regions.js'
import type { Feed } from '../runtime/session.js'
import type { Rng } from '../util/rng.js'

/** Atoms of the rows of a batch as matrices: C (N, A, K), b (N, A, 1), and D (N, A, n) if atoms read inputs. */
export interface AtomFeeds {
  readonly yWeights: Matrix
  readonly bounds: Matrix
  readonly xWeights: Matrix | null
}

type Matrix = Feed & { readonly data: Float32Array }

interface Sizes {
  readonly rows: number
  /** The greatest number of atoms of any region. */
  readonly atoms: number
  readonly inputs: number
  readonly outputs: number
  readonly readsInputs: boolean
}

export function atomFeeds({ rows, atoms, inputs, outputs, readsInputs }: Sizes): AtomFeeds {
  const matrix = (width: number): Matrix => ({
    dtype: 'float32',
    dims: [rows, atoms, width],
    data: new Float32Array(rows * atoms * width),
  })
  return {
    yWeights: matrix(outputs),
    bounds: matrix(1),
    xWeights: readsInputs ? matrix(inputs) : null,
  }
}

/** Writes the atoms of one region for each row. Where there are fewer than others have, they repeat themselves. */
export function fillAtoms(feeds: AtomFeeds, regions: readonly Region[]): void {
  const { yWeights, bounds, xWeights } = feeds
  const [, atoms = 0, outputs = 0] = yWeights.dims
  yWeights.data.fill(0)
  xWeights?.data.fill(0)
  regions.forEach((region, row) => {
    for (let k = 0; k < atoms; k++) {
      const atom = region.atoms[k % region.atoms.length]!
      const at = row * atoms + k
      bounds.data[at] = atom.bound
      atom.y.indices.forEach((i, j) => (yWeights.data[at * outputs + i] = atom.y.weights[j]!))
      if (!xWeights) continue
      const inputs = xWeights.dims[2]!
      atom.x.indices.forEach((i, j) => (xWeights.data[at * inputs + i] = atom.x.weights[j]!))
    }
  })
}

/** Random directions of the outputs instead of atoms, in the rows that are marked. */
export function fillRandomly(feeds: AtomFeeds, isMarked: readonly boolean[], rng: Rng): void {
  const { yWeights, xWeights } = feeds
  const [, atoms = 0, outputs = 0] = yWeights.dims
  const width = atoms * outputs
  isMarked.forEach((marked, row) => {
    if (!marked) return
    const direction = Float32Array.from({ length: outputs }, () => 2 * rng.uniform() - 1)
    for (let k = 0; k < atoms; k++) yWeights.data.set(direction, row * width + k * outputs)
    if (xWeights) {
      const size = atoms * xWeights.dims[2]!
      xWeights.data.fill(0, row * size, (row + 1) * size)
    }
  })
}
