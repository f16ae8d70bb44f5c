/** Norms whose ascent step and projection are part of the step graph. */
export type FusedNorm = 'linf' | 'l2' | 'l1'

/**
 * L0 counts the values that differ. `severity` is no norm: epsilon, a whole number from 1 to 5, says how far an attack
 * that corrupts or turns pictures goes by its own measure. What is changed at all is at distance 1, and only the bounds
 * confine it.
 */
export type Norm = FusedNorm | 'l0' | 'severity'

export const norms: readonly Norm[] = ['linf', 'l2', 'l1', 'l0', 'severity']

export const isFusedNorm = (norm: Norm): norm is FusedNorm => norm !== 'l0' && norm !== 'severity'

/** How the target class of a targeted attack is chosen, per sample. */
export type TargetChoice = 'random' | 'least-likely' | 'next' | number

export type Goal =
  { readonly kind: 'untargeted' } | { readonly kind: 'targeted'; readonly target: TargetChoice }

/** What the attacker may do: stay within `epsilon` of the sample in `norm`, and within `bounds`. */
export interface ThreatModel {
  readonly norm: Norm
  /** In the data set's units: 8/255 on [0, 1] pixels. Values in L0, a level in `severity`. */
  readonly epsilon: number
  readonly bounds: readonly [number, number]
  readonly goal: Goal
}

/** `8/255` when epsilon is a whole number of 8-bit levels on [0, 1], else a short decimal. */
export function formatEpsilon(epsilon: number): string {
  const levels = epsilon * 255
  if (epsilon > 0 && epsilon < 1 && Math.abs(levels - Math.round(levels)) < 1e-9)
    return `${Math.round(levels)}/255`
  return String(Number(epsilon.toPrecision(6)))
}

export const normLabels: Readonly<Record<Norm, string>> = {
  linf: 'L∞',
  l2: 'L2',
  l1: 'L1',
  l0: 'L0',
  severity: 'severity',
}
