/** The one door for attacks, built in or not. */
export { defineAttack } from './attack/types.js'
export type { AttackContext, AttackPlugin, Need } from './attack/types.js'
export { lossNames } from './step/losses.js'
export type { LossName } from './step/losses.js'
export type { Goal, Norm, ThreatModel } from './threat/threat-model.js'
export type { Rng } from './util/rng.js'
export { defineSuite } from './suite/define.js'
export type { Suite, SuiteInput } from './suite/schema.js'
