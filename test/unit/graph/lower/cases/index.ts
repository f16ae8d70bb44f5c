import type { RuleCase } from '../../../../helpers/gradient-check.js'
import { msActivationCases } from './ms-activation.js'

/** By family file in `src/graph/lower/`. One line each. */
export const families: Readonly<Record<string, readonly RuleCase[]>> = {
  'ms-activation': msActivationCases,
}
