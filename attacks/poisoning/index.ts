import type { PoisonPlugin } from '../../src/plugin.js'
import { availabilityNoise } from './availability-noise.js'
import { badnets } from './badnets.js'
import { blended } from './blended.js'
import { bullseyePolytope } from './bullseye-polytope.js'
import { cleanLabel } from './clean-label.js'
import { featureCollision } from './feature-collision.js'
import { gradientMatching } from './gradient-matching.js'
import { inputAware } from './input-aware.js'
import { labelFlip, labelFlipNearest, labelFlipTargeted } from './label-flip.js'
import { sinusoidal } from './sinusoidal.js'
import { sleeperAgent } from './sleeper-agent.js'
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
  cleanLabel,
  sleeperAgent,
  featureCollision,
  bullseyePolytope,
  gradientMatching,
  availabilityNoise,
]
