import { describe, expect, it } from 'vitest'
import { json } from '../../../reports/json.js'
import * as samples from '../../helpers/sample-report.js'

describe('json', () => {
  it('keeps its schema: names and order of the fields', async () => {
    const parsed: unknown = JSON.parse(await json.render(samples.failingReport()))
    expect(Object.keys(parsed as object)).toEqual([
      'schema', 'title', 'runId', 'createdAt', 'status', 'suite', 'mainThreat', 'dataset', 'verdict',
      'gate', 'versions', 'trust', 'comparisons', 'cells', 'pictures', 'problems', 'manifest',
    ]) // prettier-ignore
    expect(parsed).toMatchObject({ schema: 'gauntlet-report/1', verdict: 'fail' })
  })

  it('is the report itself, less the pixels', async () => {
    const report = samples.failingReport()
    const parsed = JSON.parse(await json.render(report)) as Record<string, unknown[]>
    expect(parsed['cells']).toEqual(JSON.parse(JSON.stringify(report.cells)))
    expect(parsed['pictures']).toHaveLength(report.pictures.length)
    expect(parsed['pictures']?.[0]).toMatchObject({
      version: 'v1',
      label: 'PGD-40',
      shape: [1, 28, 28],
    })
    expect(parsed['pictures']?.[0]).not.toHaveProperty('clean')
    expect(parsed['pictures']?.[0]).not.toHaveProperty('adversarial')
  })

  it('has null where a run has no gate', async () => {
    const parsed: unknown = JSON.parse(await json.render(samples.ungatedReport()))
    expect(parsed).toMatchObject({ verdict: null, gate: null })
  })
})
