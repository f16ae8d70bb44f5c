import type { CellResults, SampleResult, VersionResults } from '../../../src/gate/types.js'

/** `right` robust samples, then `wrong` fooled ones, then `lost` that were wrong without an attack. */
export function samples(right: number, wrong: number, lost = 0): SampleResult[] {
  return Array.from({ length: right + wrong + lost }, (_, sample) => ({
    sample,
    cleanRight: sample < right + wrong,
    robust: sample < right,
  }))
}

/** As one of two versions: the blocks are both right, newly broken, newly fixed, both wrong. */
export function half(
  side: 'before' | 'after',
  [both, broken, fixed, none]: readonly [number, number, number, number],
): SampleResult[] {
  return Array.from({ length: both + broken + fixed + none }, (_, sample) => {
    const isBroken = sample >= both && sample < both + broken
    const isFixed = sample >= both + broken && sample < both + broken + fixed
    const robust = sample < both || (side === 'before' ? isBroken : isFixed)
    return { sample, cleanRight: true, robust }
  })
}

export function cell(own: readonly SampleResult[], more: Partial<CellResults> = {}): CellResults {
  return {
    attack: 'pgd',
    label: 'PGD-40',
    norm: 'linf',
    epsilon: 8 / 255,
    complete: true,
    samples: own,
    ...more,
  }
}

export function version(
  name: string,
  cells: readonly CellResults[],
  more: Partial<VersionResults> = {},
): VersionResults {
  return { version: name, modelDigest: `digest of ${name}`, datasetDigest: 'data', cells, ...more }
}

export type Table = readonly [
  bothRight: number,
  newlyBroken: number,
  newlyFixed: number,
  bothWrong: number,
]

/** Two versions with the given paired outcomes, one table per epsilon. */
export function pairOf(tables: readonly { readonly epsilon: number; readonly table: Table }[]): {
  readonly baseline: VersionResults
  readonly candidate: VersionResults
} {
  const side = (which: 'before' | 'after'): CellResults[] =>
    tables.map(({ epsilon, table }) => cell(half(which, table), { epsilon }))
  return { baseline: version('v1', side('before')), candidate: version('v2', side('after')) }
}
