import { backdoorAudit } from './backdoor-audit.js'
import { ceiling } from './ceiling.js'
import { floor } from './floor.js'
import { nonInferiority } from './non-inferiority.js'
import { poisonRegression } from './poison-regression.js'
import { requiredAttacks } from './required-attacks.js'
import { requiredPoisons } from './required-poisons.js'

/** All kinds of rules. A new kind is one file in this folder and one line here. */
export const ruleKinds = [
  floor,
  nonInferiority,
  requiredAttacks,
  ceiling,
  poisonRegression,
  requiredPoisons,
  backdoorAudit,
] as const
