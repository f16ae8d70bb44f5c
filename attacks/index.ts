import type { AttackPlugin } from '../src/plugin.js'
import { apgdCe } from './evasion/apgd-ce.js'
import { apgdDlr } from './evasion/apgd-dlr.js'
import { apgdT } from './evasion/apgd-t.js'
import { autoattack } from './evasion/autoattack.js'
import { bim } from './evasion/bim.js'
import { deepfool } from './evasion/deepfool.js'
import { fabT } from './evasion/fab-t.js'
import { fab } from './evasion/fab.js'
import { fgsm } from './evasion/fgsm.js'
import { miFgsm } from './evasion/mi-fgsm.js'
import { niFgsm } from './evasion/ni-fgsm.js'
import { noise } from './evasion/noise.js'
import { pgd } from './evasion/pgd.js'
import { rfgsm } from './evasion/rfgsm.js'

/** The built-in attacks. A new one is one file and one line here. */
export const builtInAttacks: readonly AttackPlugin[] = [
  fgsm,
  rfgsm,
  bim,
  pgd,
  miFgsm,
  niFgsm,
  apgdCe,
  apgdDlr,
  apgdT,
  autoattack,
  deepfool,
  fab,
  fabT,
  noise,
]
