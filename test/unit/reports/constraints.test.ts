import { expect, it } from 'vitest'
import { csv } from '../../../reports/csv.js'
import { html } from '../../../reports/html.js'
import { markdown } from '../../../reports/markdown.js'
import { buildReport, versionResults } from '../../../reports/model.js'
import { familiesOf, mainThreat } from '../../../reports/view.js'
import type { Outcome } from '../../../src/plan/task.js'
import type { CellOutcomes, RunRecord } from '../../../src/store/types.js'
import type { ThreatModel } from '../../../src/threat/threat-model.js'

/** 20 samples, of which the first `fooled` fall. */
function cellOf(version: string, more: Partial<ThreatModel>, fooled: number): CellOutcomes {
  const threat: ThreatModel = {
    norm: 'linf',
    epsilon: 8 / 255,
    bounds: [0, 1],
    goal: { kind: 'untargeted' },
    ...more,
  }
  const outcomes = Array.from({ length: 20 }, (_, sample): Outcome => ({
    sample,
    label: 0,
    cleanPrediction: 0,
    adversarialPrediction: sample < fooled ? 1 : 0,
    success: sample < fooled,
    distance: 0.01,
    queries: 1,
    gradients: 1,
  }))
  return {
    cell: {
      id: `${version} ${JSON.stringify(threat)}`,
      model: { version, path: `${version}.onnx`, digest: version },
      attack: { attack: 'pgd', version: 1, params: {}, restarts: 1, label: 'PGD-40' },
      threat,
      dataset: { path: 'data.npz', digest: 'data' },
      from: 0,
      to: 20,
      tasks: [],
    },
    outcomes,
    notes: [],
    seconds: 1,
    secondsInRuntime: 1,
    tasksDone: 1,
    complete: true,
    failures: [],
  }
}

const constrained: readonly Partial<ThreatModel>[] = [
  { quantize: 8 },
  { features: { integers: [0] } },
  { features: { integers: [1] } },
]
const cells = ['v1', 'v2'].flatMap((version, k) => [
  cellOf(version, {}, 10 + k),
  ...constrained.map((more, i) => cellOf(version, more, 2 * i + k)),
])

it('reports pair threats with the same constraints only', async () => {
  const run: RunRecord = {
    id: 'run',
    suite: 'own',
    title: 'Constraints',
    seed: 1,
    planDigest: 'plan',
    manifest: {},
    createdAt: '2026-01-01T00:00:00Z',
    status: 'complete',
    cells: [cells[0]!.cell],
  } as unknown as RunRecord
  const report = buildReport({ run, cells })
  const worst = report.versions[0]!.worstCase.map((row) => [
    row.constraints?.replace(/[0-9a-f]{4}$/, '…'),
    row.robustAccuracy.successes,
  ])
  expect(worst).toEqual([
    [undefined, 10],
    ['8-bit', 20],
    ['features …', 18],
    ['features …', 16],
  ])
  // Clean accuracy, then each of the four threats as the worst case and under the attack.
  expect(report.comparisons).toHaveLength(1 + 4 + 4)
  for (const row of report.comparisons.slice(1))
    expect(row.baselineValue.successes - row.candidateValue.successes).toBe(1)
  expect(familiesOf(report)).toHaveLength(4)
  expect(mainThreat(report)).toEqual({ norm: 'linf', epsilon: 8 / 255 })
  expect(await html.render(report)).toContain('L∞, 8-bit')
  expect(await markdown.render(report)).toContain('L∞ 8/255, 8-bit')
  expect(await csv.render(report)).toContain(',8/255,8-bit,20,true')
})

it('the gate sees attacks under other constraints as other attacks', () => {
  const results = versionResults(cells, 'v1').cells
  expect(new Set(results.map(({ attackDigest }) => attackDigest)).size).toBe(4)
  expect(results[0]).not.toHaveProperty('constraints')
})
