import type { RuleCase } from '../../../../helpers/gradient-check.js'
import { affineGridCases } from './affine-grid.js'
import { attentionCases } from './attention.js'
import { controlCases } from './control.js'
import { cropCases } from './crop.js'
import { groupedAttentionCases } from './grouped-attention.js'
import { msActivationCases } from './ms-activation.js'
import { msFusedCases } from './ms-fused.js'
import { normCases } from './norms.js'
import { recurrentCases } from './recurrent.js'
import { spectrumCases } from './spectra.js'
import { lossCases } from './class-losses.js'
import { poolCases } from './pools.js'

/** By family file in `src/graph/lower/`. One line each. */
export const families: Readonly<Record<string, readonly RuleCase[]>> = {
  'affine-grid': affineGridCases,
  attention: attentionCases,
  control: controlCases,
  crop: cropCases,
  'grouped-attention': groupedAttentionCases,
  'ms-activation': msActivationCases,
  'ms-fused': msFusedCases,
  'class-losses': lossCases,
  pools: poolCases,
  norms: normCases,
  recurrent: recurrentCases,
  spectra: spectrumCases,
}
