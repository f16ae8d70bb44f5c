import { digestJson } from '../util/hash.js'

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
  /** What holds for single values, in L∞ and L0; absent: nothing. */
  readonly features?: Features | undefined
  /** An example counts as it is after every value is rounded to one of 2^quantize equal steps of the bounds. */
  readonly quantize?: number | undefined
}

/** What an attacker may do with single values of a sample, by their indices; arrays have one entry a value. */
export interface Features {
  /** Factors on epsilon, default 1; 0: the value never changes, nor does a one-hot group that it is in. */
  readonly scale?: readonly number[]
  /**
   * Least and greatest value, default: the bounds. Of a member of a one-hot group, what it is when off and when on; default
   * 0 and 1.
   */
  readonly lower?: readonly number[]
  readonly upper?: readonly number[]
  /** Values that are whole numbers. */
  readonly integers?: readonly number[]
  /**
   * Groups of values of which one is on. L∞ does not measure them: any category may be taken. L0 counts a group once.
   */
  readonly oneHot?: readonly (readonly number[])[]
}

/** `8/255` when epsilon is a whole number of 8-bit levels on [0, 1], else a short decimal. */
export function formatEpsilon(epsilon: number): string {
  const levels = epsilon * 255
  if (epsilon > 0 && epsilon < 1 && Math.abs(levels - Math.round(levels)) < 1e-9)
    return `${Math.round(levels)}/255`
  return String(Number(epsilon.toPrecision(6)))
}

/**
 * What a threat model asks for besides a norm and an epsilon, in short: `8-bit`, `features 3f2a` by the digest that tells
 * sets of features apart; empty for nothing.
 */
export function formatConstraints({
  features,
  quantize,
}: Pick<ThreatModel, 'features' | 'quantize'>): string {
  return [
    ...(features ? [`features ${digestJson(features).slice(0, 4)}`] : []),
    ...(quantize === undefined ? [] : [`${quantize}-bit`]),
  ].join(', ')
}

export const normLabels: Readonly<Record<Norm, string>> = {
  linf: 'L∞',
  l2: 'L2',
  l1: 'L1',
  l0: 'L0',
  severity: 'severity',
}
