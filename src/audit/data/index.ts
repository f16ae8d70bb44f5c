import type { Detector } from '../types.js'
import { activationClustering } from './activation-clustering.js'
import { spectralSignatures } from './spectral-signatures.js'

/** All detectors, in the order of the reports. A new one is one file and one line here. */
export const builtInDetectors: readonly Detector[] = [spectralSignatures, activationClustering]
