import { parse } from 'csv-parse/sync'
import { describe, expect, it } from 'vitest'
import { csv } from '../../../reports/csv.js'
import type { RunReport } from '../../../src/reporter.js'
import { wilson } from '../../../src/stats/proportion.js'
import { failingReport } from '../../helpers/sample-report.js'

async function rowsOf(report: RunReport): Promise<Record<string, string>[]> {
  return parse(await csv.render(report), { columns: true })
}

function withLabel(label: string): RunReport {
  const report = failingReport()
  return { ...report, cells: report.cells.map((cell) => ({ ...cell, label })) }
}

describe('csv', () => {
  it('has one row per cell with the numbers of the cell at full precision', async () => {
    const report = failingReport()
    const rows = await rowsOf(report)
    expect(rows).toHaveLength(report.cells.length)
    report.cells.forEach((cell, i) => {
      expect(rows[i]).toMatchObject({
        version: cell.version,
        label: cell.label,
        norm: 'linf',
        epsilon: String(cell.epsilon),
        robust_right: String(cell.robustAccuracy.successes),
        robust_accuracy: String(cell.robustAccuracy.estimate),
        robust_low: String(cell.robustAccuracy.low),
        attack_success_high: String(cell.attackSuccess.high),
        seconds_in_runtime: String(cell.secondsInRuntime),
        complete: 'true',
      })
    })
  })

  it('leaves a share of no trials empty', async () => {
    const report = failingReport()
    const cells = report.cells.map((cell) => ({ ...cell, attackSuccess: wilson(0, 0) }))
    const [row] = await rowsOf({ ...report, cells })
    expect(row).toMatchObject({ attack_trials: '0', attack_success: '' })
  })

  it.each(['a,b', 'say "x"', 'two\nlines', ' spaced '])(
    'brings %j back unchanged',
    async (label) => {
      expect((await rowsOf(withLabel(label)))[0]?.['label']).toBe(label)
    },
  )

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =1', '\uFF1D1'])(
    'makes %j text for a spreadsheet',
    async (label) => {
      expect((await rowsOf(withLabel(label)))[0]?.['label']).toBe(`'${label}`)
    },
  )
})
