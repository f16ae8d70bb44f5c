import type { AttackPlugin } from '../src/plugin.js'
import { boundary } from './evasion/boundary.js'
import { corners } from './evasion/corners.js'
import { corruptions } from './evasion/corruptions.js'
import { deepfool } from './evasion/deepfool.js'
import { fgsm } from './evasion/fgsm.js'
import { gaussian } from './evasion/gaussian.js'
import { hopSkipJump } from './evasion/hopskipjump.js'
import { miFgsm } from './evasion/mi-fgsm.js'
import { nes } from './evasion/nes.js'
import { noise } from './evasion/noise.js'
import { onePixel } from './evasion/one-pixel.js'
import { patch } from './evasion/patch.js'
import { pgd } from './evasion/pgd.js'
import { signFlip } from './evasion/sign-flip.js'
import { simba } from './evasion/simba.js'
import { spatial } from './evasion/spatial.js'
import { spsa } from './evasion/spsa.js'
import { square } from './evasion/square.js'
import { universal } from './evasion/universal.js'

/** The built-in attacks. A new one is one file and one line here. */
export const builtInAttacks: readonly AttackPlugin[] = [
  fgsm,
  pgd,
  miFgsm,
  deepfool,
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
  corners,
  corruptions,
]
