import { firstUnbounded, isBound, isEmpty, narrow, roundInward, unbounded } from './box.js'
import type { Bounds, Box } from './box.js'
import { disjunctsOf, split } from './dnf.js'
import type { Atom } from './linear.js'
import { propertyError } from './problem.js'
import type { Property } from './vnnlib.js'

/** One disjunct of a property: a point of the box where all atoms are true is a counterexample. */
export interface Region {
  /** Shared by the regions that have the same. */
  readonly box: Box
  readonly atoms: readonly Atom[]
}

export interface Regions {
  readonly regions: readonly Region[]
  /** There are more than were made. */
  readonly isCut: boolean
}

interface RegionLimits {
  /** Regions to make at most. */
  readonly regions: number
  /** Disjuncts to look at, those without a point included, and atoms of them all together. */
  readonly disjuncts: number
  readonly atoms: number
}

const defaultLimits: RegionLimits = { regions: 4096, disjuncts: 65_536, atoms: 2 ** 22 }

/**
 * The disjuncts of a property that have a point, bounds of inputs gathered into boxes.
 *
 * @param path - of the file, for messages
 * @throws GNT_PROPERTY for an input without bounds: there is nothing to draw points from
 */
export function regionsOf(
  { condition, inputs }: Property,
  path: string,
  limits = defaultLimits,
): Regions {
  const { shared, choices } = split(condition)
  const common = unbounded(inputs)
  const always = shared.filter((atom) => !isBound(atom))
  for (const atom of shared) if (isBound(atom)) narrow(common, atom)
  const regions: Region[] = []
  const boxes = new BoxStore(common, path)
  let [seen, atomsLeft] = [0, limits.atoms]
  if (isEmpty(common)) return { regions, isCut: false }
  for (const own of disjunctsOf(choices)) {
    atomsLeft -= own.length + always.length
    if (regions.length >= limits.regions || seen++ >= limits.disjuncts || atomsLeft < 0)
      return { regions, isCut: true }
    const box = boxes.within(own.filter(isBound))
    if (box) regions.push({ box, atoms: [...always, ...own.filter((atom) => !isBound(atom))] })
  }
  return { regions, isCut: false }
}

/** Boxes by their bounds: many a property has a few boxes and many disjuncts in each. */
class BoxStore {
  readonly #common: Bounds
  readonly #path: string
  readonly #known = new Map<string, Box | null>()

  constructor(common: Bounds, path: string) {
    this.#common = common
    this.#path = path
  }

  /** @returns null if no point is within the bounds */
  within(bounds: readonly Atom[]): Box | null {
    const key = bounds
      .map(({ x, bound, isStrict }) => `${x.indices[0]} ${x.weights[0]} ${bound} ${isStrict}`)
      .join()
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const box = this.#make(bounds)
    this.#known.set(key, box)
    return box
  }

  #make(bounds: readonly Atom[]): Box | null {
    const own = { lower: this.#common.lower.slice(), upper: this.#common.upper.slice() }
    for (const bound of bounds) narrow(own, bound)
    if (isEmpty(own)) return null
    const open = firstUnbounded(own)
    if (open < 0) return roundInward(own)
    const side = Number.isFinite(own.lower[open]!) ? 'upper' : 'lower'
    throw propertyError(`an input has no ${side} bound`, this.#path, null, {
      got: `X_${open}`,
      expected: 'numbers on both sides of every input',
      fix: `assert a bound, as in (assert (<= X_${open} 1.0))`,
    })
  }
}
