import type { AttackPlugin } from '../src/plugin.js'
import { deepfool } from './evasion/deepfool.js'
import { fgsm } from './evasion/fgsm.js'
import { miFgsm } from './evasion/mi-fgsm.js'
import { noise } from './evasion/noise.js'
import { pgd } from './evasion/pgd.js'
import { square } from './evasion/square.js'

/** The built-in attacks. A new one is one file and one line here. */
export const builtInAttacks: readonly AttackPlugin[] = [fgsm, pgd, miFgsm, deepfool, square, noise]
