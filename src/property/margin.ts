import type { Atom } from './linear.js'
import type { Region } from './regions.js'

/** Points and outputs as rows of flat arrays. */
export interface Rows {
  readonly x: ArrayLike<number>
  readonly y: ArrayLike<number>
  /** Where the row begins in each. */
  readonly xFrom: number
  readonly yFrom: number
}

/** left − right of an atom, in double precision: it is true when this is not above 0 (below 0 where it is strict). */
function excess({ x, y, bound }: Atom, rows: Rows): number {
  let sum = 0
  for (let k = 0; k < y.indices.length; k++)
    sum += y.weights[k]! * rows.y[rows.yFrom + y.indices[k]!]!
  for (let k = 0; k < x.indices.length; k++)
    sum += x.weights[k]! * rows.x[rows.xFrom + x.indices[k]!]!
  return sum - bound
}

/** The greatest excess of a region's atoms; −∞ without atoms, ∞ where an output is no number. */
export function marginOf({ atoms }: Region, rows: Rows): number {
  let greatest = -Infinity
  for (const atom of atoms) {
    const value = excess(atom, rows)
    if (Number.isNaN(value)) return Infinity
    if (value > greatest) greatest = value
  }
  return greatest
}

/** Every atom is true, with no tolerance. The box is not looked at. */
export function areAllTrue({ atoms }: Region, rows: Rows): boolean {
  return atoms.every((atom) => {
    const value = excess(atom, rows)
    return atom.isStrict ? value < 0 : value <= 0
  })
}
