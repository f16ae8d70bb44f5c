import type { Detector } from '../types.js'
import { activationClustering } from './activation-clustering.js'
import { confidentLearning } from './confident-learning.js'
import { labelConflict } from './label-conflict.js'
import { nearDuplicates } from './near-duplicates.js'
import { spectralSignatures } from './spectral-signatures.js'
import { spectre } from './spectre.js'
import { strip } from './strip.js'

/** All detectors, in the order of the reports. A new one is one file and one line here. */
export const builtInDetectors: readonly Detector[] = [
  spectralSignatures,
  activationClustering,
  spectre,
  strip,
  labelConflict,
  confidentLearning,
  nearDuplicates,
]
