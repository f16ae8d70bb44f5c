import { fused } from './fused.js'
import { gradientArrays } from './gradient-arrays.js'
import { scores } from './scores.js'

/** What `gauntlet plugins new` can write, by `--kind`. */
export const scaffolds = { 'gradient-arrays': gradientArrays, fused, scores } as const

export type ScaffoldKind = keyof typeof scaffolds

export const scaffoldKinds = Object.keys(scaffolds) as ScaffoldKind[]
