import type { PoisonCellView, PoisoningView } from '../../src/reporter.js'
import { formatPoints, formatSharePlain } from '../../src/stats/format.js'
import { comparedName, estimateText, poisonDirection, poisonPairs } from '../poison-text.js'
import { pNumber, shareRange } from '../text.js'
import { columns, type Paint } from './layout.js'

const changeColumn = 4
const changeStyle = { worse: 'red', better: 'green', unclear: undefined } as const

/** What the poisons achieve, and how that changed: tables as lines. */
export function poisonLines(poisoning: PoisoningView, width: number, paint: Paint): string[] {
  return [...cellLines(poisoning, width, paint), ...comparisonLines(poisoning, width, paint)]
}

function cellLines({ cells }: PoisoningView, width: number, paint: Paint): string[] {
  const head = ['', 'poison rate', 'success', 'interval', 'base', 'accuracy', 'trials']
  const rows = cells.map((cell) => [
    `${cell.version}, ${cell.label}`,
    rateText(cell.rate),
    estimateText(cell.poisoned?.attackSuccess),
    cell.poisoned ? shareRange(cell.poisoned.attackSuccess) : '',
    estimateText(cell.clean?.attackSuccess),
    cell.cleanLoss.trials === 0 ? '' : formatPoints(-cell.cleanLoss.estimate),
    cell.complete ? String(cell.done) : `${cell.done}/${cell.planned}`,
  ])
  return columns([head, ...rows], width, (text, row) => (row === 0 ? paint('dim', text) : text))
}

const wholes = { dataset: 'data', targetClass: 'target', sourceClass: 'source' } as const

/** `1 % of data`: there is no room for more. */
function rateText({ value, of }: PoisonCellView['rate']): string {
  return `${formatSharePlain(value)} of ${wholes[of]}`
}

function comparisonLines(poisoning: PoisoningView, width: number, paint: Paint): string[] {
  return poisonPairs(poisoning).flatMap(({ baseline, candidate, rows }) => {
    const head = [
      `${baseline} → ${candidate}`,
      'poison rate',
      'before',
      'after',
      'change',
      'p (Holm)',
    ]
    const body = rows.map((row) => [
      comparedName(row),
      rateText(row.rate),
      estimateText(row.baselineValue),
      estimateText(row.candidateValue),
      formatPoints(row.difference.estimate),
      pNumber(row.pAdjusted),
    ])
    const table = columns([head, ...body], width, (text, r, c) => {
      const row = rows[r - 1]
      if (!row) return paint('dim', text)
      const style = changeStyle[poisonDirection(row.difference)]
      return c === changeColumn && style ? paint(style, text) : text
    })
    return ['', ...table]
  })
}
