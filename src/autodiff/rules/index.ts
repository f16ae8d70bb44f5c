import type { RuleTable } from '../rule.js'
import { activationRules } from './activation.js'
import { convRules } from './conv.js'
import { einsumRules } from './einsum.js'
import { elementwiseRules } from './elementwise.js'
import { gridSampleRules } from './grid-sample.js'
import { indexingRules } from './indexing.js'
import { matmulRules } from './matmul.js'
import { movementRules } from './movement.js'
import { normRules } from './norm.js'
import { poolRules } from './pool.js'
import { quantizedRules } from './quantized.js'
import { reduceRules } from './reduce.js'
import { resizeRules } from './resize.js'
import { scatteringRules } from './scattering.js'
import { zeroRules } from './zero.js'

/** Every operator that can be differentiated. A new family is one file and one line here. */
export const rules: RuleTable = mergeOnce([
  activationRules,
  convRules,
  einsumRules,
  elementwiseRules,
  gridSampleRules,
  indexingRules,
  matmulRules,
  movementRules,
  normRules,
  poolRules,
  quantizedRules,
  reduceRules,
  resizeRules,
  scatteringRules,
  zeroRules,
])

function mergeOnce(tables: readonly RuleTable[]): RuleTable {
  const merged: Record<string, RuleTable[string]> = {}
  for (const table of tables)
    for (const [op, rule] of Object.entries(table)) {
      if (op in merged) throw new Error(`two gradient rules for ${op}`)
      merged[op] = rule
    }
  return merged
}
