import { affineGrids } from './affine-grid.js'
import { attentionLowerings } from './attention.js'
import { classLosses } from './class-losses.js'
import { controlLowerings } from './control.js'
import { cropLowerings } from './crop.js'
import { groupedAttentions } from './grouped-attention.js'
import type { LoweringTable } from './lowering.js'
import { msActivations } from './ms-activation.js'
import { msAttentions } from './ms-attention.js'
import { msFused } from './ms-fused.js'
import { normLowerings } from './norms.js'
import { poolLowerings } from './pools.js'
import { rotaryLowerings } from './rotary.js'
import { sequenceLowerings } from './sequences.js'
import { recurrentLowerings } from './recurrent.js'
import { spectrumLowerings } from './spectra.js'

/** Every operator that is differentiated by its simpler form. A new family is one file and one line here. */
export const lowerings: LoweringTable = {
  ...affineGrids,
  ...attentionLowerings,
  ...classLosses,
  ...controlLowerings,
  ...cropLowerings,
  ...groupedAttentions,
  ...msActivations,
  ...msAttentions,
  ...msFused,
  ...normLowerings,
  ...poolLowerings,
  ...rotaryLowerings,
  ...recurrentLowerings,
  ...sequenceLowerings,
  ...spectrumLowerings,
}
