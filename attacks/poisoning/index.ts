import type { PoisonPlugin } from '../../src/plugin.js'
import { badnets } from './badnets.js'
import { blended } from './blended.js'
import { inputAware } from './input-aware.js'
import { labelFlip, labelFlipNearest, labelFlipTargeted } from './label-flip.js'
import { sinusoidal } from './sinusoidal.js'
import { warped } from './warped.js'

/** The built-in poisons. A new one is one file and one line here. */
export const builtInPoisons: readonly PoisonPlugin[] = [
  labelFlip,
  labelFlipTargeted,
  labelFlipNearest,
  badnets,
  blended,
  sinusoidal,
  warped,
  inputAware,
]
