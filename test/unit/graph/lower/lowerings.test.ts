import { describe, expect, it } from 'vitest'
import { lowerings } from '../../../../src/graph/lower/index.js'
import { operatorKey } from '../../../../src/graph/operator-key.js'
import { checkRule } from '../../../helpers/gradient-check.js'
import { families } from './cases/index.js'

it('every lowering has a case', () => {
  const covered = new Set(
    Object.values(families)
      .flat()
      .map(({ op, domain = '' }) => operatorKey({ op, domain })),
  )
  expect(Object.keys(lowerings).filter((key) => !covered.has(key))).toEqual([])
})

describe.each(Object.entries(families))('%s', (_, cases) => {
  it.each(cases)('$op: $label', async (one) => {
    const { precisions } = await checkRule(one)
    expect(precisions).toContain('float32')
  })
})
