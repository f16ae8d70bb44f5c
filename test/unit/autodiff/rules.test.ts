import { afterAll, describe, expect, it } from 'vitest'
import type { RuleTable } from '../../../src/autodiff/rule.js'
import { activationRules } from '../../../src/autodiff/rules/activation.js'
import { einsumRules } from '../../../src/autodiff/rules/einsum.js'
import { elementwiseRules } from '../../../src/autodiff/rules/elementwise.js'
import { gridSampleRules } from '../../../src/autodiff/rules/grid-sample.js'
import { indexingRules } from '../../../src/autodiff/rules/indexing.js'
import { movementRules } from '../../../src/autodiff/rules/movement.js'
import { normRules } from '../../../src/autodiff/rules/norm.js'
import { reduceRules } from '../../../src/autodiff/rules/reduce.js'
import { resizeRules } from '../../../src/autodiff/rules/resize.js'
import { scatteringRules } from '../../../src/autodiff/rules/scattering.js'
import { checkRule, type RuleCase } from '../../helpers/gradient-check.js'
import { activationCases } from './cases/activation.js'
import { einsumCases } from './cases/einsum.js'
import { elementwiseCases } from './cases/elementwise.js'
import { gridSampleCases } from './cases/grid-sample.js'
import { indexingCases, scatteringCases } from './cases/indexing.js'
import { movementCases } from './cases/movement.js'
import { normCases } from './cases/norm.js'
import { reduceCases } from './cases/reduce.js'
import { resizeCases } from './cases/resize.js'

const families: Readonly<Record<string, readonly RuleCase[]>> = {
  elementwise: elementwiseCases,
  activation: activationCases,
  reduce: reduceCases,
  movement: movementCases,
  indexing: indexingCases,
  norm: normCases,
  einsum: einsumCases,
  resize: resizeCases,
  gridSample: gridSampleCases,
  scattering: scatteringCases,
}

const tables: Readonly<Record<string, RuleTable>> = {
  elementwise: elementwiseRules,
  activation: activationRules,
  reduce: reduceRules,
  movement: movementRules,
  indexing: indexingRules,
  norm: normRules,
  einsum: einsumRules,
  resize: resizeRules,
  gridSample: gridSampleRules,
  scattering: scatteringRules,
}

it.each(Object.entries(tables))('every %s rule has a case', (family, table) => {
  const covered = new Set(families[family]?.map((one) => one.op))
  const missing = Object.entries(table).flatMap(([op, rule]) =>
    rule.kind === 'straightThrough' || covered.has(op) ? [] : [op],
  )
  expect(missing).toEqual([])
})

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
