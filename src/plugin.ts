/** The one door for attacks and poisons, built in or not. */
export { defineAttack } from './attack/types.js'
export type { AttackContext, AttackKind, AttackPlugin, Need, Sample } from './attack/types.js'
export { lossNames } from './step/losses.js'
export type { LossName } from './step/losses.js'
export type { UpdateBuilder, UpdateRule } from './step/update-rule.js'
export { distance, keepLargest } from './threat/ball.js'
export type { FusedNorm, Goal, Norm, ThreatModel } from './threat/threat-model.js'
export type { Rng } from './util/rng.js'
/** Loops over the values of a sample, several times as fast as in JavaScript. */
export * as kernels from './util/simd/kernels.js'
export { definePoison } from './poison/types.js'
export type {
  LabelledSamples,
  PoisonContext,
  PoisonPlugin,
  Poisoned,
  PoisonedSample,
  PoisonGoal,
  PoisonRate,
  Surrogate,
} from './poison/types.js'
export { defineSuite } from './suite/define.js'
export type { Suite, SuiteInput } from './suite/schema.js'
