import { describe, expect, it } from 'vitest'
import { lowerings } from '../../../../src/graph/lower/index.js'
import type { Attr } from '../../../../src/graph/ir.js'
import { operatorKey } from '../../../../src/graph/operator-key.js'
import { checkRule } from '../../../helpers/gradient-check.js'
import { families } from './cases/index.js'

/** Of the nodes of a subgraph, and of theirs. */
function operatorsWithin(attr: unknown): string[] {
  const { kind, value } = attr as Attr
  if (kind !== 'graph') return []
  return value.nodes.flatMap((node) => [
    operatorKey(node),
    ...Object.values(node.attrs).flatMap(operatorsWithin),
  ])
}

it('every lowering has a case', () => {
  const covered = new Set(
    Object.values(families)
      .flat()
      .flatMap(({ op, domain = '', attrs = {} }) => [
        operatorKey({ op, domain }),
        ...Object.values(attrs).flatMap(operatorsWithin),
      ]),
  )
  expect(Object.keys(lowerings).filter((key) => !covered.has(key))).toEqual([])
})

describe.each(Object.entries(families))('%s', (_, cases) => {
  it.each(cases)('$op: $label', async (one) => {
    const { precisions } = await checkRule(one)
    expect(precisions).toContain('float32')
  })
})
