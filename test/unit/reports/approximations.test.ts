import { describe, expect, it } from 'vitest'
import { renderConsole } from '../../../reports/console.js'
import { html } from '../../../reports/html.js'
import { json } from '../../../reports/json.js'
import { markdown } from '../../../reports/markdown.js'
import { buildReport, type ReportInput } from '../../../reports/model.js'
import type { RunReport } from '../../../src/reporter.js'
import {
  approximationPhrase,
  isApproximation,
  shortApproximations,
} from '../../../src/util/approximation.js'
import { failingReport } from '../../helpers/sample-report.js'

const many = (count: number, op: string, surrogate = 'clipped identity'): string =>
  approximationPhrase(
    surrogate,
    op,
    Array.from({ length: count }, (_, k) => `/${op}_${k}`),
  )

describe('phrases of approximations', () => {
  it('name the node, or count the nodes', () => {
    expect(many(1, 'Round')).toBe('straight-through (clipped identity) at /Round_0 (Round)')
    expect(many(53, 'QuantizeLinear')).toBe(
      'straight-through (clipped identity) at 53 QuantizeLinear nodes, the first /QuantizeLinear_0',
    )
    expect(isApproximation(many(1, 'Round'))).toBe(true)
    expect(isApproximation('runs at its fixed batch of 1')).toBe(false)
  })

  it('are short together, the commonest operators first', () => {
    const phrases = [
      many(2, 'QLinearConv', 'real form'),
      many(53, 'QuantizeLinear'),
      many(1, 'Round'),
    ]
    expect(shortApproximations([...phrases, 'another note', many(3, 'Round', 'identity')])).toBe(
      'straight-through at 53 QuantizeLinear, 4 Round, 2 QLinearConv',
    )
    const kinds = Array.from({ length: 9 }, (_, k) => many(k + 1, `Op${k}`))
    expect(shortApproximations(kinds)).toMatch(/9 Op8, .*4 Op3, 3 more kinds of node$/)
    expect(shortApproximations(['another note'])).toBe('')
  })
})

const line =
  'gradients of v2 are approximated: straight-through at 53 QuantizeLinear, 2 QLinearConv'

function quantized(): RunReport {
  const report = failingReport()
  const approximations = [many(53, 'QuantizeLinear'), many(2, 'QLinearConv', 'real form')]
  const versions = report.versions.map((one) =>
    one.version === 'v2' ? { ...one, approximations } : one,
  )
  const cells = report.cells.map((cell) =>
    cell.version === 'v2' ? { ...cell, notes: [...approximations, 'another note'] } : cell,
  )
  return { ...report, versions, cells }
}

const cellOf = (version: string, notes: string[]): unknown => ({
  cell: {
    model: { version, path: `${version}.onnx`, digest: version },
    attack: { attack: 'pgd', label: 'PGD' },
    threat: { norm: 'linf', epsilon: 0.1 },
    dataset: { path: 'data.npz', digest: 'data' },
    from: 0,
    to: 1,
  },
  outcomes: [],
  complete: true,
  seconds: 1,
  secondsInRuntime: 1,
  notes,
})

describe('a report of a version whose gradients are approximated', () => {
  it('says so in the terminal', () => {
    const text = renderConsole(quantized(), { width: 120 })
    expect(text).toContain(`~ ${line}`)
    expect(text.match(/approximated/g)).toHaveLength(1)
    expect(renderConsole(failingReport())).not.toContain('approximated')
  })

  it('says so in Markdown, before what is folded away', async () => {
    const text = await markdown.render(quantized())
    expect(text.split('<details>')[0]).toContain(`- ${line}`)
  })

  it('says so on the page, once for the version and not with each attack', async () => {
    const page = await html.render(quantized())
    const text = page.replace(/<wbr>/g, '')
    expect(text).toContain(`${line}.`)
    expect(text).toContain('another note')
    expect(text.match(/53 QuantizeLinear/g)).toHaveLength(1)
  })

  it('names every phrase in JSON', async () => {
    const read = JSON.parse(await json.render(quantized())) as RunReport
    expect(read.versions.map((one) => one.approximations.length)).toEqual([0, 2])
  })

  it('has them from the notes of the version’s tasks', () => {
    const cells = [
      cellOf('v1', ['another note']),
      cellOf('v2', [many(2, 'Round'), 'another note']),
      cellOf('v2', [many(2, 'Round')]),
    ] as ReportInput['cells']
    const run = {
      id: 'r',
      title: 't',
      createdAt: '2026-01-01T00:00:00Z',
      status: 'complete',
      suite: 's',
      manifest: {},
      cells: cells.map(({ cell }) => cell),
    } as unknown as ReportInput['run']
    const { versions } = buildReport({ run, cells })
    expect(versions.map((one) => one.approximations)).toEqual([[], [many(2, 'Round')]])
  })
})
