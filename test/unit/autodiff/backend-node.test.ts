import { afterAll, describe, expect, it } from 'vitest'
import { backendFolder, backendNames, readBackendCase } from '../../helpers/backend-cases.js'
import { checkBackendCase, type Outcome } from '../../helpers/backend-check.js'

/** The ONNX project's published tests of single operators, each differentiated and compared with differences. */
const names = backendNames('node')
if (names.length === 0)
  console.warn(
    `skipped: no backend tests of ONNX in ${backendFolder} (Debian package libonnx-testdata; GAUNTLET_ONNX_TESTDATA names another folder)`,
  )

const outcomes = new Map<string, Outcome>()

const count = (kind: Outcome['kind']): number =>
  [...outcomes.values()].filter((one) => one.kind === kind).length

describe.skipIf(names.length === 0)('backend node tests of ONNX', () => {
  it.each(names)('%s', async (name) => {
    const outcome = await checkBackendCase(readBackendCase('node', name))
    outcomes.set(name, outcome)
    expect(outcome.kind, outcome.detail).not.toBe('failed')
  })

  it('are covered by more than half', () => {
    expect(count('covered')).toBeGreaterThan(0.5 * (names.length - count('notFloat')))
  })

  afterAll(() => {
    const counts = new Map<string, number>()
    for (const { kind } of outcomes.values()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
    const parts = [...counts].toSorted().map(([kind, count]) => `${count} ${kind}`)
    console.log(`backend node tests: ${parts.join(', ')}`)
    const refused = [...outcomes].filter(([, one]) => one.kind === 'refused')
    console.log(`refused: ${refused.map(([name]) => name.replace('test_', '')).join(' ')}`)
    if (process.env['GAUNTLET_VERBOSE'])
      for (const [name, { kind, detail }] of outcomes)
        if (kind !== 'covered') console.log(`${kind}  ${name}  ${detail.slice(0, 200)}`)
  })
})
