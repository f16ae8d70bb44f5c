import type { AttackPlugin } from '../src/plugin.js'
import { apgdCe } from './evasion/apgd-ce.js'
import { apgdDlr } from './evasion/apgd-dlr.js'
import { apgdT } from './evasion/apgd-t.js'
import { autoattack } from './evasion/autoattack.js'
import { bim } from './evasion/bim.js'
import { boundary } from './evasion/boundary.js'
import { corruptions } from './evasion/corruptions.js'
import { cw } from './evasion/cw.js'
import { ddn } from './evasion/ddn.js'
import { deepfool } from './evasion/deepfool.js'
import { ead } from './evasion/ead.js'
import { fabT } from './evasion/fab-t.js'
import { fab } from './evasion/fab.js'
import { fgsm } from './evasion/fgsm.js'
import { fmn } from './evasion/fmn.js'
import { gaussian } from './evasion/gaussian.js'
import { hopSkipJump } from './evasion/hopskipjump.js'
import { jsma } from './evasion/jsma.js'
import { miFgsm } from './evasion/mi-fgsm.js'
import { nes } from './evasion/nes.js'
import { niFgsm } from './evasion/ni-fgsm.js'
import { noise } from './evasion/noise.js'
import { onePixel } from './evasion/one-pixel.js'
import { patch } from './evasion/patch.js'
import { pgd } from './evasion/pgd.js'
import { randomCorners } from './evasion/random-corners.js'
import { rfgsm } from './evasion/rfgsm.js'
import { sigmaZero } from './evasion/sigma-zero.js'
import { signFlip } from './evasion/sign-flip.js'
import { simba } from './evasion/simba.js'
import { spatial } from './evasion/spatial.js'
import { spsa } from './evasion/spsa.js'
import { square } from './evasion/square.js'
import { universal } from './evasion/universal.js'

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
  cw,
  ddn,
  fmn,
  ead,
  jsma,
  sigmaZero,
  fab,
  fabT,
  square,
  spsa,
  nes,
  simba,
  onePixel,
  hopSkipJump,
  boundary,
  signFlip,
  universal,
  patch,
  spatial,
  noise,
  gaussian,
  randomCorners,
  corruptions,
]
