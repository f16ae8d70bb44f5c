/** Which numbers each value may be. */
export interface Grid {
  readonly bounds: readonly [number, number]
  /** Values are among 2^quantize equal steps of the bounds; absent: any. */
  readonly quantize: number | undefined
  readonly isInteger: Uint8Array
  /** Members of one-hot groups, which `settleGroup` is for. */
  readonly isMember: Uint8Array
}

/**
 * Every changed value to the nearest of its numbers within [lower, upper]; to the clean value where there is none. In
 * place.
 */
export function settleValues(
  grid: Grid,
  x: Float32Array,
  point: Float32Array,
  lower: Float32Array,
  upper: Float32Array,
): void {
  for (let i = 0; i < x.length; i++)
    if (point[i] !== x[i] && grid.isMember[i] === 0)
      point[i] = nearest(grid, i, point[i]!, [lower[i]!, upper[i]!]) ?? x[i]!
}

/** The greatest member is on, of equal ones that of the clean sample; a group as it was stays so. In place. */
export function settleGroup(
  group: readonly number[],
  x: Float32Array,
  point: Float32Array,
  { lower, upper }: { readonly lower: Float32Array; readonly upper: Float32Array },
): void {
  if (group.every((i) => point[i] === x[i])) return
  // How far on, so that members with numbers of their own compare.
  const share = (i: number): number => (point[i]! - lower[i]!) / (upper[i]! - lower[i]!)
  const on = group.reduce((best, i) =>
    share(i) > share(best) || (share(i) === share(best) && x[i]! > x[best]!) ? i : best,
  )
  for (const i of group) point[i] = i === on ? upper[i]! : lower[i]!
}

/**
 * For a point that rounding took out of the ball: values that went outward go inward instead, those first that lie nearest
 * to the middle of their step, as few as `isInside` asks for. All of them together never lengthen the perturbation.
 * @param before - the point as it was, in the ball
 */
export function settleInward(
  grid: Grid,
  x: Float32Array,
  point: Float32Array,
  before: Float32Array,
  isInside: () => boolean,
): void {
  const outward: { i: number; near: number; far: number; cost: number }[] = []
  for (let i = 0; i < x.length; i++) {
    const [clean, value, far] = [x[i]!, before[i]!, point[i]!]
    if (Math.abs(far - clean) <= Math.abs(value - clean)) continue
    const between = [Math.min(clean, value), Math.max(clean, value)] as const
    const near = nearest(grid, i, value, between) ?? clean
    outward.push({ i, near, far, cost: Math.abs(value - near) - Math.abs(far - value) })
  }
  outward.sort((a, b) => a.cost - b.cost || a.i - b.i)
  const turn = (count: number): boolean => {
    outward.forEach(({ i, near, far }, k) => {
      point[i] = k < count ? near : far
    })
    return isInside()
  }
  let [few, enough] = [0, outward.length]
  while (enough - few > 1) {
    const middle = Math.floor((few + enough) / 2)
    if (turn(middle)) enough = middle
    else few = middle
  }
  turn(enough)
}

export function isOnGrid(grid: Grid, i: number, value: number): boolean {
  return grid.isMember[i] === 1 || nearest(grid, i, value, [-Infinity, Infinity]) === value
}

/** Which level of `quantize` a value is; undefined: none. */
export function levelOf({ bounds, quantize }: Grid, value: number): number | undefined {
  if (quantize === undefined) return undefined
  const k = Math.round(((value - bounds[0]) / (bounds[1] - bounds[0])) * (2 ** quantize - 1))
  return levelAt({ bounds, quantize }, k) === value ? k : undefined
}

/** The same rounding as of a pixel that is divided by 255. */
export const levelAt = (
  { bounds: [first, last], quantize = 0 }: Pick<Grid, 'bounds' | 'quantize'>,
  k: number,
): number => Math.fround(first + ((last - first) * k) / (2 ** quantize - 1))

/** The nearest number that value i may be, within [low, high]. */
function nearest(
  grid: Grid,
  i: number,
  value: number,
  [low, high]: readonly [number, number],
): number | undefined {
  if (isAny(grid, i)) return value
  const at = (k: number): number => numberAt(grid, i, k)
  let k = nearestIndex(grid, i, value)
  if (at(k) > high) k--
  else if (at(k) < low) k++
  return at(k) >= low && at(k) <= high ? at(k) : undefined
}

/** Whether value i may be another number than the one it is, within [low, high]. */
export function hasOther(
  grid: Grid,
  i: number,
  value: number,
  [low, high]: readonly [number, number],
): boolean {
  if (grid.isMember[i] === 1 || isAny(grid, i)) return low < high
  const k = nearestIndex(grid, i, value)
  return [k - 1, k, k + 1]
    .map((each) => numberAt(grid, i, each))
    .some((other) => other !== value && other >= low && other <= high)
}

/** Whether value i may be any number. */
const isAny = (grid: Grid, i: number): boolean =>
  grid.isInteger[i] === 0 && grid.quantize === undefined

const numberAt = (grid: Grid, i: number, k: number): number =>
  grid.isInteger[i] === 1 ? Math.fround(k) : levelAt(grid, k)

/** k of the number nearest to `value`. */
function nearestIndex({ bounds, quantize = 0, isInteger }: Grid, i: number, value: number): number {
  const level = (value - bounds[0]) / (bounds[1] - bounds[0])
  return Math.round(isInteger[i] === 1 ? value : level * (2 ** quantize - 1))
}
