import { bceLogits } from './bce-logits.js'
import { classwise } from './classwise.js'
import { sum, vjp } from './linear.js'
import type { Objective } from './objective.js'
import { l1, mse } from './regression.js'

/** Every loss that a gradient can be compiled of. A new one is one file and one line here. */
export const objectives = {
  ce: classwise('ce'),
  margin: classwise('margin'),
  dlr: classwise('dlr'),
  mse,
  l1,
  'bce-logits': bceLogits,
  sum,
  vjp,
} as const satisfies Record<string, Objective>

export type ObjectiveName = keyof typeof objectives
export const objectiveNames = Object.keys(objectives) as ObjectiveName[]
