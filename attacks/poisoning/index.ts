import type { PoisonPlugin } from '../../src/plugin.js'
import { badnets } from './badnets.js'
import { labelFlip, labelFlipNearest, labelFlipTargeted } from './label-flip.js'

/** The built-in poisons. A new one is one file and one line here. */
export const builtInPoisons: readonly PoisonPlugin[] = [
  labelFlip,
  labelFlipTargeted,
  labelFlipNearest,
  badnets,
]
