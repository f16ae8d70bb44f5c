/** Σ weight · variable over a few variables. Indices rise; no weight is 0. */
interface Terms {
  readonly indices: readonly number[]
  readonly weights: readonly number[]
}

/** Σ c·X + Σ d·Y ≤ bound, or < where it is strict. */
export interface Atom {
  readonly x: Terms
  readonly y: Terms
  readonly bound: number
  readonly isStrict: boolean
}

/** A property's condition. `and` of nothing is true, `or` of nothing false. */
export type Formula =
  | { readonly kind: 'atom'; readonly atom: Atom }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Formula[] }

/** A linear expression while it is read. */
export interface Linear {
  readonly x: Map<number, number>
  readonly y: Map<number, number>
  constant: number
}

export const constantOf = (constant: number): Linear => ({ x: new Map(), y: new Map(), constant })

export const isConstant = ({ x, y }: Linear): boolean => x.size === 0 && y.size === 0

/** `into` + factor · `other`, in place. */
export function addTo(into: Linear, other: Linear, factor: number): void {
  for (const side of ['x', 'y'] as const)
    for (const [index, weight] of other[side])
      into[side].set(index, (into[side].get(index) ?? 0) + factor * weight)
  into.constant += factor * other.constant
}

/** left ≤ right, or left < right. */
export function atomOf(left: Linear, right: Linear, isStrict: boolean): Atom {
  const difference = constantOf(0)
  addTo(difference, left, 1)
  addTo(difference, right, -1)
  return {
    x: termsOf(difference.x),
    y: termsOf(difference.y),
    // Not 0 − constant: a bound of −0 would be printed as such.
    bound: difference.constant === 0 ? 0 : -difference.constant,
    isStrict,
  }
}

function termsOf(weights: ReadonlyMap<number, number>): Terms {
  const sorted = [...weights].filter(([, weight]) => weight !== 0).sort(([a], [b]) => a - b)
  return { indices: sorted.map(([index]) => index), weights: sorted.map(([, weight]) => weight) }
}
