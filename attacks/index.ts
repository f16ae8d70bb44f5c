import type { AttackPlugin } from '../src/plugin.js'
import { cw } from './evasion/cw.js'
import { ddn } from './evasion/ddn.js'
import { deepfool } from './evasion/deepfool.js'
import { ead } from './evasion/ead.js'
import { fgsm } from './evasion/fgsm.js'
import { fmn } from './evasion/fmn.js'
import { jsma } from './evasion/jsma.js'
import { miFgsm } from './evasion/mi-fgsm.js'
import { noise } from './evasion/noise.js'
import { pgd } from './evasion/pgd.js'
import { pgdL0 } from './evasion/pgd-l0.js'
import { sigmaZero } from './evasion/sigma-zero.js'

/** The built-in attacks. A new one is one file and one line here. */
export const builtInAttacks: readonly AttackPlugin[] = [
  fgsm,
  pgd,
  pgdL0,
  miFgsm,
  deepfool,
  cw,
  ddn,
  fmn,
  ead,
  jsma,
  sigmaZero,
  noise,
]
