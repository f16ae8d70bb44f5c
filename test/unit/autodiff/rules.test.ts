import { afterAll, describe, expect, it } from 'vitest'
import { checkRule, type RuleCase } from '../../helpers/gradient-check.js'
import { activationCases } from './cases/activation.js'
import { elementwiseCases } from './cases/elementwise.js'
import { indexingCases } from './cases/indexing.js'
import { movementCases } from './cases/movement.js'
import { normCases } from './cases/norm.js'
import { reduceCases } from './cases/reduce.js'

const families: Readonly<Record<string, readonly RuleCase[]>> = {
  elementwise: elementwiseCases,
  activation: activationCases,
  reduce: reduceCases,
  movement: movementCases,
  indexing: indexingCases,
  norm: normCases,
}

let checked = 0
let inDoublePrecision = 0

describe.each(Object.entries(families))('%s', (_, cases) => {
  it.each(cases)('$op: $label', async (one) => {
    const { precisions } = await checkRule(one)
    expect(precisions).toContain('float32')
    checked++
    if (precisions.includes('float64')) inDoublePrecision++
  })
})

// A kernel that is missing is allowed, but it must stay the exception.
afterAll(() => {
  expect(inDoublePrecision).toBeGreaterThan(0.6 * checked)
})
