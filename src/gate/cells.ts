import { formatEpsilon, normLabels } from '../threat/threat-model.js'
import type { Metric, RuleScope } from './rule.js'
import type { CellId } from './results.js'

/** A norm, an epsilon and constraints: what results must share to be pooled into one worst case. */
export type Threat = Pick<CellId, 'norm' | 'epsilon' | 'constraints'>

/** Ten digits: 8/255 read from a fraction and from a decimal are the same radius. */
function threatKey({ norm, epsilon, constraints = '' }: Threat): string {
  return `${norm} ${epsilon.toPrecision(10)} ${constraints}`
}

export function sameThreat(a: Threat, b: Threat): boolean {
  return threatKey(a) === threatKey(b)
}

/** `L∞ 8/255`, `L∞ 8/255, 8-bit` */
export function formatThreat({ norm, epsilon, constraints = '' }: Threat): string {
  return `${normLabels[norm]} ${formatEpsilon(epsilon)}${constraints && `, ${constraints}`}`
}

export function isAttack(cell: CellId, name: string): boolean {
  return cell.attack === name || cell.label === name
}

export function cellsInScope<Cell extends CellId>(
  cells: readonly Cell[],
  scope: RuleScope | undefined,
): readonly Cell[] {
  const { attack, norm, epsilon } = scope ?? {}
  return cells.filter(
    (cell) =>
      (attack === undefined || isAttack(cell, attack)) &&
      (norm === undefined || cell.norm === norm) &&
      (epsilon === undefined || sameThreat(cell, { ...cell, epsilon })),
  )
}

/** Each threat among the cells once, by norm, then ascending epsilon. */
export function threatsOf(cells: readonly CellId[]): readonly Threat[] {
  const found = new Map(
    cells.map(({ norm, epsilon, constraints }) => {
      const threat = { norm, epsilon, ...(constraints ? { constraints } : {}) }
      return [threatKey(threat), threat]
    }),
  )
  return [...found.values()].sort(
    (a, b) => a.norm.localeCompare(b.norm, 'en') || a.epsilon - b.epsilon,
  )
}

/** Names a cell for comparison between versions: which attack, with which parameters. */
export function cellKey(cell: CellId): string {
  return JSON.stringify([cell.attack, cell.label, threatKey(cell), cell.attackDigest ?? null])
}

/** Is the planned cell among the results? Its parameters are the planner's business. */
export function hasCell(cells: readonly CellId[], planned: CellId): boolean {
  return cells.some(
    (cell) =>
      cell.attack === planned.attack && cell.label === planned.label && sameThreat(cell, planned),
  )
}

/** What a number is about: `robust accuracy under worst case, L∞ 8/255`, `clean accuracy`. */
export function describeMetric(
  metric: Metric,
  scope: RuleScope | undefined,
  threat: Threat | undefined,
): string {
  if (metric === 'cleanAccuracy') return 'clean accuracy'
  const attack = scope?.attack ?? 'worst case'
  return `robust accuracy under ${attack}${threat ? `, ${formatThreat(threat)}` : ''}`
}

/** The scope in words, for a rule that matches nothing: `attack cw, L2`. */
export function describeScope(scope: RuleScope | undefined): string {
  const { attack, norm, epsilon } = scope ?? {}
  const parts = [
    attack && `attack ${attack}`,
    norm && normLabels[norm],
    epsilon !== undefined && `epsilon ${formatEpsilon(epsilon)}`,
  ].filter(Boolean)
  return parts.length > 0 ? parts.join(', ') : 'any attack'
}
