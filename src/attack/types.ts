import type { z } from 'zod'
import type { LossName } from '../step/losses.js'
import type { Goal, Norm, ThreatModel } from '../threat/threat-model.js'
import type { Rng } from '../util/rng.js'

/**
 * What an attack sees while it runs: only samples that still stand. A sample that falls leaves the batch at once;
 * `living` shrinks, and rows are re-packed. The host does everything that decides: projection, verification,
 * counting, seeds.
 */
export interface AttackContext {
  readonly threat: ThreatModel
  /** Number of samples still standing. */
  readonly living: number
  /** Values per sample. */
  readonly sampleSize: number

  /**
   * Moves every living sample to its starting point: the clean sample, or a uniform draw from the ball (in
   * L2 and L1 uniform in volume), clipped to the bounds.
   */
  start(from: 'clean' | 'random'): void

  /**
   * One gradient step for every living sample: ascend the loss by `stepSize` in the threat model's norm, project onto
   * the ball and the bounds. One ONNX Runtime call a batch does all of it, and also tells who has fallen.
   * @param stepSize - in the data set's units, as epsilon
   */
  step(options: { readonly loss: LossName; readonly stepSize: number }): Promise<void>

  /** Scores the current point of every living sample: those it fools leave. One query a sample. */
  score(): Promise<void>

  /**
   * Tries one candidate per living sample. `write` fills `out` (sampleSize values) from the clean sample `x`;
   * the host projects it onto the ball and the bounds before it is scored.
   */
  propose(write: (x: Float32Array, rng: Rng, out: Float32Array) => void): Promise<void>
}

export type Need = 'gradient' | 'scores' | 'labels'

/** An attack. One file under `attacks/` and one line in `attacks/index.ts`. */
export interface AttackPlugin<P extends z.ZodType = z.ZodType> {
  readonly id: string
  /** Raised when the same parameters would give different examples: results are cached by it. */
  readonly version: number
  readonly title: string
  /** Paper the defaults come from. */
  readonly source: string
  /** MITRE ATLAS technique. */
  readonly atlas?: string
  /** A control is no attack: it shows what random search finds. */
  readonly kind: 'fixed-epsilon' | 'control'
  readonly needs: readonly Need[]
  readonly norms: readonly Norm[]
  readonly goals: readonly Goal['kind'][]
  /** Defaults from the paper, each with `.describe()`. */
  readonly params: P
  /** Restarts when the suite does not say: the host runs the attack again on the survivors. */
  readonly restarts: number
  /** Short name with what matters: `PGD-40`. */
  label(params: z.output<P>): string
  run(context: AttackContext, params: z.output<P>): Promise<void>
}

/** Types an attack's parameters from its schema. */
export function defineAttack<P extends z.ZodType>(plugin: AttackPlugin<P>): AttackPlugin<P> {
  return plugin
}
