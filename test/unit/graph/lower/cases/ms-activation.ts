import { input, weight, type RuleCase } from '../../../../helpers/gradient-check.js'
import { float } from '../../../../helpers/graphs.js'

const domain = 'com.microsoft'

export const msActivationCases: readonly RuleCase[] = [
  { op: 'QuickGelu', domain, label: 'plain', inputs: [input(['N', 3, 4])] },
  {
    op: 'QuickGelu',
    domain,
    label: 'own alpha',
    inputs: [input(['N', 3])],
    attrs: { alpha: float(0.7) },
  },
  { op: 'Gelu', domain, label: 'plain', inputs: [input(['N', 3, 4])] },
  { op: 'BiasGelu', domain, label: 'a bias', inputs: [input(['N', 3, 4]), weight([4])] },
  { op: 'FastGelu', domain, label: 'plain', inputs: [input(['N', 3, 4])], tolerance: 2e-5 },
  {
    op: 'FastGelu',
    domain,
    label: 'a bias',
    inputs: [input(['N', 3, 4]), weight([4])],
    tolerance: 2e-5,
  },
]
