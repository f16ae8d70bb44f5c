import type { Rng } from '../util/rng.js'
import { box, distance, project, randomInBall } from './ball.js'
import { isInBall } from '../util/simd/kernels.js'
import { checkConstraints } from './features.js'
import { greatestWithin, isFarther, leastWithin, roundDown, roundUp } from '../util/float32.js'
import {
  hasOther,
  isOnGrid,
  levelAt,
  levelOf,
  settleGroup,
  settleInward,
  settleValues,
  type Grid,
} from './settle.js'
import { isFusedNorm, type ThreatModel } from './threat-model.js'

/** Where each value of a sample may go. (sample) each */
export type Box = Readonly<Record<'lower' | 'upper', Float32Array>>

/**
 * A threat model for samples of a known size: where points may go, how far they are, and which of them count.
 *
 * Points move freely within the ball and the bounds. What counts of a point is its settled copy: whole numbers, one
 * category a group, levels of `quantize`. A value equal to the clean one stays as it is, on the grid or not; one whose box
 * holds no value of the grid goes back to the clean one. In L∞, levels are as far apart as their numbers say, whatever the
 * rounding of float32: 8 levels of 255 are 8/255.
 */
export class Constraints {
  readonly threat: ThreatModel
  /** Least and greatest of each value, a clean one aside, which may lie outside. */
  readonly lower: Float32Array
  readonly upper: Float32Array
  /** How far each value goes in L∞, in units of epsilon: 0 for one that never changes, for a category all the way. */
  readonly scale: Float32Array
  /** Distance between the numbers that each value may be; 0: any. Of a category, between off and on. */
  readonly grain: Float32Array
  /** Whether all values are alike, as without features. */
  readonly isUniform: boolean
  /** Whether a point and its settled copy may differ. */
  readonly settles: boolean
  /** Whether L∞ is measured value by value. */
  readonly #hasOwnMeasure: boolean
  /** In data units. */
  readonly #radius: Float64Array
  readonly #groups: readonly (readonly number[])[]
  readonly #isMember: Uint8Array
  readonly #grid: Grid
  readonly #scratch: readonly [Float32Array, Float32Array]

  /** @throws GauntletError GNT_CONFIG, GNT_ATTACK_NEEDS for constraints that make no sense */
  constructor(threat: ThreatModel, size: number) {
    checkConstraints(threat, size)
    const { bounds, epsilon, features, quantize } = threat
    const { scale, lower, upper, integers = [], oneHot = [] } = features ?? {}
    this.threat = threat
    this.isUniform = features === undefined
    this.settles = quantize !== undefined || integers.length > 0 || oneHot.length > 0
    this.#hasOwnMeasure = !this.isUniform || (quantize !== undefined && threat.norm === 'linf')
    this.#groups = oneHot
    this.#isMember = new Uint8Array(size)
    for (const i of oneHot.flat()) this.#isMember[i] = 1
    const isMember = (i: number): boolean => this.#isMember[i] === 1
    const each = <A extends Float32Array | Float64Array>(out: A, of: (i: number) => number): A => {
      for (let i = 0; i < size; i++) out[i] = of(i)
      return out
    }
    const floats = (of: (i: number) => number): Float32Array => each(new Float32Array(size), of)
    const doubles = (of: (i: number) => number): Float64Array => each(new Float64Array(size), of)
    this.lower = floats((i) => roundUp(lower?.[i] ?? (isMember(i) ? 0 : bounds[0])))
    this.upper = floats((i) => roundDown(upper?.[i] ?? (isMember(i) ? 1 : bounds[1])))
    const factors = doubles((i) => scale?.[i] ?? 1)
    // One member that never changes holds its group.
    for (const group of oneHot)
      if (group.some((i) => factors[i] === 0)) for (const i of group) factors[i] = 0
    const isFree = (i: number): boolean => factors[i]! > 0 && isMember(i)
    this.#radius = doubles((i) => (isFree(i) ? Infinity : factors[i]! * epsilon))
    this.scale = floats((i) =>
      isFree(i) ? (this.upper[i]! - this.lower[i]!) / epsilon : factors[i]!,
    )
    this.#grid = { bounds, quantize, isInteger: new Uint8Array(size), isMember: this.#isMember }
    for (const i of integers) this.#grid.isInteger[i] = 1
    const level = quantize === undefined ? 0 : (bounds[1] - bounds[0]) / (2 ** quantize - 1)
    this.grain = floats((i) =>
      isMember(i) ? this.upper[i]! - this.lower[i]! : this.#grid.isInteger[i] === 1 ? 1 : level,
    )
    this.#scratch = [new Float32Array(size), new Float32Array(size)]
  }

  /** The box around `x` that is ball ∩ bounds in L∞, as `box` of ball.ts. */
  box(x: Float32Array, lower: Float32Array, upper: Float32Array): void {
    if (!this.#hasOwnMeasure) return box(x, this.threat, lower, upper)
    this.#limits(x, lower, upper)
    for (let i = 0; i < x.length; i++) {
      const radius = this.#radius[i]!
      if (radius === Infinity) continue
      const level = levelOf(this.#grid, x[i]!)
      const reach = level === undefined ? 0 : this.#levelsWithin(radius)
      const [least, most] =
        level === undefined
          ? [leastWithin(x[i]!, radius), greatestWithin(x[i]!, radius)]
          : [levelAt(this.#grid, level - reach), levelAt(this.#grid, level + reach)]
      lower[i] = Math.max(lower[i]!, least)
      upper[i] = Math.min(upper[i]!, most)
    }
  }

  /** The same in arrays of its own. */
  boxOf(x: Float32Array): Box {
    const own = { lower: new Float32Array(x.length), upper: new Float32Array(x.length) }
    this.box(x, own.lower, own.upper)
    return own
  }

  /** Whether a point is in ball and bounds, where that can be told in one go: most points are. */
  isSurelyInside(x: Float32Array, point: Float32Array): boolean {
    const { norm, epsilon, bounds } = this.threat
    return !this.#hasOwnMeasure && isFusedNorm(norm) && isInBall(norm, point, x, epsilon, bounds)
  }

  #levelsWithin(radius: number): number {
    const count = Math.floor(radius / this.#lengthOf(1))
    return this.#lengthOf(count + 1) <= radius ? count + 1 : count
  }

  /** Of so many levels. */
  #lengthOf(levels: number): number {
    const { bounds, quantize = 0 } = this.#grid
    return (levels * (bounds[1] - bounds[0])) / (2 ** quantize - 1)
  }

  /** |a − b| > radius in exact arithmetic; of levels, by their numbers. */
  #isFarther(a: number, b: number, radius: number): boolean {
    const levels = this.#levelsBetween(a, b)
    return levels === undefined
      ? isFarther(Math.max(a, b), Math.min(a, b), radius)
      : this.#lengthOf(levels) > radius
  }

  #levelsBetween(a: number, b: number): number | undefined {
    const [one, other] = [levelOf(this.#grid, a), levelOf(this.#grid, b)]
    return one === undefined || other === undefined ? undefined : Math.abs(one - other)
  }

  /** Where a value may be at all: within its bounds or at its clean value, between them on the way. */
  #limits(x: Float32Array, lower: Float32Array, upper: Float32Array): void {
    for (let i = 0; i < x.length; i++) {
      const isFixed = this.#radius[i] === 0
      lower[i] = isFixed ? x[i]! : Math.min(this.lower[i]!, x[i]!)
      upper[i] = isFixed ? x[i]! : Math.max(this.upper[i]!, x[i]!)
    }
  }

  /** Whether ball and bounds hold another point that counts than `x` itself. */
  leavesRoom(x: Float32Array): boolean {
    const [lower, upper] = this.#scratch
    const { norm, epsilon } = this.threat
    if (norm === 'l0' && epsilon < 1) return false
    if (norm === 'linf') this.box(x, lower, upper)
    else this.#limits(x, lower, upper)
    // A single value that moves is within epsilon in L2 and L1 where it is so itself.
    const reach = norm === 'l2' || norm === 'l1' ? epsilon : Infinity
    return x.some((value, i) => {
      const within = [
        Math.max(lower[i]!, value - reach),
        Math.min(upper[i]!, value + reach),
      ] as const
      return hasOther(this.#grid, i, value, within)
    })
  }

  /** Into the bounds. In place, as all below. */
  bound(x: Float32Array, point: Float32Array): void {
    const [lower, upper] = this.#scratch
    const [low, high] = this.threat.bounds
    if (this.isUniform)
      for (let i = 0; i < point.length; i++) point[i] = Math.min(Math.max(point[i]!, low), high)
    else {
      this.#limits(x, lower, upper)
      clampTo(point, lower, upper)
    }
  }

  /** Into ball and bounds; L∞ is confined by its `box` instead. */
  project(x: Float32Array, point: Float32Array): void {
    if (this.isUniform) return project(this.threat, x, point)
    this.bound(x, point)
    const units = this.#changedUnits(x, point)
    const size = (unit: readonly number[]): number =>
      Math.max(...unit.map((i) => Math.abs(point[i]! - x[i]!) / (this.upper[i]! - this.lower[i]!)))
    units.sort((a, b) => size(b) - size(a) || a[0]! - b[0]!)
    for (const i of units.slice(Math.floor(this.threat.epsilon)).flat()) point[i] = x[i]!
  }

  /** What L0 counts: single values, and groups. */
  #changedUnits(x: Float32Array, point: Float32Array): (readonly number[])[] {
    const units = this.#groups.filter((group) => group.some((i) => point[i] !== x[i]))
    for (let i = 0; i < x.length; i++)
      if (this.#isMember[i] === 0 && point[i] !== x[i]) units.push([i])
    return [...units]
  }

  /**
   * To what counts of the point.
   * @param lower, upper - the box it stays in; absent: ball and bounds of the other norms
   * @param isInBall - whether a point of the ball must stay there
   */
  settle(
    x: Float32Array,
    point: Float32Array,
    { lower, upper, isInBall }: { lower?: Float32Array; upper?: Float32Array; isInBall: boolean },
  ): void {
    if (!this.settles) return
    const [least, most] = this.#scratch
    if (!lower) this.#limits(x, least, most)
    const room = [lower ?? least, upper ?? most] as const
    const { norm, epsilon } = this.threat
    // Rounding may lengthen δ in the norms that are no box.
    const before = isInBall && (norm === 'l2' || norm === 'l1') ? point.slice() : null
    settleValues(this.#grid, x, point, ...room)
    for (const group of this.#groups) settleGroup(group, x, point, this)
    if (before && distance(norm, point, x) > epsilon)
      settleInward(this.#grid, x, point, before, () => distance(norm, point, x) <= epsilon)
  }

  /** Whether a sample, a clean one perhaps, has numbers on the grid only. */
  isSettled(x: Float32Array): boolean {
    return (
      x.every((value, i) => isOnGrid(this.#grid, i, value)) &&
      this.#groups.every(
        (group) =>
          group.filter((i) => x[i] === this.upper[i]).length === 1 &&
          group.filter((i) => x[i] === this.lower[i]).length === group.length - 1,
      )
    )
  }

  /**
   * How far a point is: in L∞ max |δ| / scale, categories aside; in L0 the number of values and groups that differ; else
   * the norm itself. At most epsilon exactly where every |δ| is at most epsilon × scale.
   */
  distance(point: Float32Array, x: Float32Array): number {
    const { norm, epsilon } = this.threat
    if (!this.#hasOwnMeasure) return distance(norm, point, x)
    if (norm === 'l0') return this.#changedUnits(x, point).length
    let most = 0
    for (let i = 0; i < x.length; i++) {
      const [a, b] = [point[i]!, x[i]!]
      const radius = this.#radius[i]!
      if (a === b || radius === Infinity) continue
      if (radius === 0) return Infinity
      const levels = this.#levelsBetween(a, b)
      const own = levels === undefined ? Math.abs(a - b) : this.#lengthOf(levels)
      const length = (own / radius) * epsilon
      most = Math.max(
        most,
        this.#isFarther(a, b, radius)
          ? Math.max(length, epsilon * (1 + Number.EPSILON))
          : Math.min(length, epsilon),
      )
    }
    return most
  }

  /** A random point of ball and bounds: uniform in the box of L∞; of L0 so many values, each anywhere. */
  random(x: Float32Array, rng: Rng, out: Float32Array): void {
    if (this.isUniform) return randomInBall(this.threat, x, rng, out)
    const [lower, upper] = this.#scratch
    if (this.threat.norm === 'linf') this.box(x, lower, upper)
    else this.#limits(x, lower, upper)
    for (let i = 0; i < x.length; i++) out[i] = lower[i]! + (upper[i]! - lower[i]!) * rng.uniform()
    if (this.threat.norm !== 'l0') return
    const units = this.#changedUnits(x, out)
    for (let k = 0; k < units.length; k++) {
      const other = k + rng.below(units.length - k)
      ;[units[k], units[other]] = [units[other]!, units[k]!]
    }
    for (const i of units.slice(Math.floor(this.threat.epsilon)).flat()) out[i] = x[i]!
  }
}

/** Each value into its interval, in place. */
function clampTo(point: Float32Array, lower: Float32Array, upper: Float32Array): void {
  for (let i = 0; i < point.length; i++) {
    const value = point[i]!
    if (value < lower[i]!) point[i] = lower[i]!
    else if (value > upper[i]!) point[i] = upper[i]!
  }
}
