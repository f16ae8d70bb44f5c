import { floor } from './floor.js'
import { nonInferiority } from './non-inferiority.js'
import { requiredAttacks } from './required-attacks.js'

/** All kinds of rules. A new kind is one file in this folder and one line here. */
export const ruleKinds = [floor, nonInferiority, requiredAttacks] as const
