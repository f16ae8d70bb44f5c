import { input, type RuleCase } from '../../../../helpers/gradient-check.js'
import { float } from '../../../../helpers/graphs.js'

export const msActivationCases: readonly RuleCase[] = [
  { op: 'QuickGelu', domain: 'com.microsoft', label: 'plain', inputs: [input(['N', 3, 4])] },
  {
    op: 'QuickGelu',
    domain: 'com.microsoft',
    label: 'own alpha',
    inputs: [input(['N', 3])],
    attrs: { alpha: float(0.7) },
  },
]
