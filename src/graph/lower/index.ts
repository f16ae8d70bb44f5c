import type { LoweringTable } from './lowering.js'
import { msActivations } from './ms-activation.js'

/** Every operator that is differentiated by its simpler form. A new family is one file and one line here. */
export const lowerings: LoweringTable = { ...msActivations }
