import { attentionLowerings } from './attention.js'
import type { LoweringTable } from './lowering.js'
import { msActivations } from './ms-activation.js'
import { msAttentions } from './ms-attention.js'
import { msFused } from './ms-fused.js'
import { normLowerings } from './norms.js'
import { recurrentLowerings } from './recurrent.js'

/** Every operator that is differentiated by its simpler form. A new family is one file and one line here. */
export const lowerings: LoweringTable = {
  ...attentionLowerings,
  ...msActivations,
  ...msAttentions,
  ...msFused,
  ...normLowerings,
  ...recurrentLowerings,
}
