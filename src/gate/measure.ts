import { formatCounted } from '../stats/format.js'
import { formatThreat, hasCell } from './cells.js'
import type { GateData, Metric } from './rule.js'
import type { CellResults, VersionResults } from './results.js'

/** Is the version right, per sample, in ascending order of samples; or why that cannot be said. */
export type Measured =
  | { readonly samples: readonly number[]; readonly right: readonly boolean[] }
  | { readonly problem: string }

/**
 * Per-sample truth over cells. For robust accuracy a sample counts only if it is right in **every**
 * cell, and the cells must hold the same samples; for clean accuracy the cells must agree.
 *
 * @param cells - cells of `version`; for robust accuracy all of one norm and epsilon
 */
export function measure(
  metric: Metric,
  version: VersionResults,
  cells: readonly CellResults[],
): Measured {
  if (cells.length === 0) return { problem: `${version.version} has no results` }
  const merged = new Map<number, { cleanRight: boolean; robust: boolean }>()
  for (const cell of cells) {
    const problem = mergeCell(merged, cell)
    if (problem !== undefined)
      return { problem: `${cell.label} at ${formatThreat(cell)} on ${version.version} ${problem}` }
  }
  const partial = cells.find((cell) => cell.samples.length !== merged.size)
  if (metric === 'robustAccuracy' && partial)
    return {
      problem: `${partial.label} at ${formatThreat(partial)} on ${version.version} covers ${partial.samples.length} of ${formatCounted(merged.size, 'sample')}`,
    }
  const ascending = [...merged].sort(([a], [b]) => a - b)
  return {
    samples: ascending.map(([sample]) => sample),
    right: ascending.map(([, { cleanRight, robust }]) =>
      metric === 'cleanAccuracy' ? cleanRight : robust,
    ),
  }
}

/** @returns what is wrong with the cell, as the end of a sentence about it */
function mergeCell(
  merged: Map<number, { cleanRight: boolean; robust: boolean }>,
  cell: CellResults,
): string | undefined {
  if (!cell.complete) return `is incomplete: ${formatCounted(cell.samples.length, 'sample')} done`
  if (cell.samples.length === 0) return 'has no samples'
  const own = new Set<number>()
  for (const { sample, cleanRight, robust } of cell.samples) {
    if (own.has(sample)) return `holds sample ${sample} twice`
    own.add(sample)
    if (robust && !cleanRight)
      return `calls sample ${sample} robust though its clean prediction is wrong`
    const before = merged.get(sample)
    if (before && before.cleanRight !== cleanRight)
      return `disagrees with another attack on the clean prediction of sample ${sample}`
    merged.set(sample, { cleanRight, robust: robust && (before?.robust ?? true) })
  }
  return undefined
}

/** @returns which planned cell the candidate lacks, as a sentence; undefined if none */
export function missingCell(
  data: GateData,
  required: GateData['requiredCells'],
): string | undefined {
  const missing = required.find((planned) => !hasCell(data.candidate.cells, planned))
  return (
    missing &&
    `${missing.label} at ${formatThreat(missing)} was planned, but ${data.candidate.version} has no such result`
  )
}
