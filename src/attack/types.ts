import type { z } from 'zod'
import type { LossName } from '../step/losses.js'
import type { UpdateRule } from '../step/update-rule.js'
import type { Goal, Norm, ThreatModel } from '../threat/threat-model.js'
import type { Rng } from '../util/rng.js'

/** One sample that an attack works on. Arrays are views: after a call of the context, read them anew. */
export interface Sample {
  /** Its number, the same from the first call to the last: what an attack remembers of a sample is kept under it. */
  readonly id: number
  readonly label: number
  /** The class to reach; −1 if the attack is untargeted. */
  readonly target: number
  /** (sample), in the data set's units; not to be written. */
  readonly clean: Float32Array
  /** (sample) the current point. Writing here moves it; the next call confines it first. */
  readonly point: Float32Array
  /** The sample's own stream of random numbers. */
  readonly rng: Rng
  /** Of the point of the last `score` or `gradient`. @throws Error if the attack declares `labels` only */
  readonly scores: Float32Array
  /** Argmax of these scores. */
  readonly prediction: number
  /** Whether that reaches the goal; only attacks that go on with such samples see `true`. */
  readonly isFooled: boolean
  /** Of the point of the last `gradient`. */
  readonly loss: number
  readonly gradient: Float32Array
  /** The closest adversarial example so far; attacks of minimum norm only. */
  readonly closest: ClosestExample | null
}

export interface ClosestExample {
  readonly point: Float32Array
  /** In the threat model's norm. */
  readonly distance: number
}

export interface LossOptions {
  /**
   * What is ascended. `ce`, `margin` and `dlr` rise as the true class is left, or as the target of a targeted goal is
   * reached.
   */
  readonly loss: LossName
  /** Reach this class of each sample instead, whatever the goal is; `difference` needs it. */
  readonly towards?: ((sample: Sample) => number) | undefined
}

export interface GradientOptions extends LossOptions {
  /**
   * Where points may be for this call. Default: as for every other. `bounds` lets an attack of fixed epsilon look beyond
   * its ball; nothing it sees there is judged.
   */
  readonly within?: 'ball' | 'bounds' | undefined
  /** Minimum norm: whether a point that reaches the goal is good enough to be kept as `closest`. Default: every one is. */
  readonly keep?: ((sample: Sample) => boolean) | undefined
}

export interface StepOptions extends LossOptions {
  /** In the data set's units, as epsilon. */
  readonly stepSize: number
  /** An update of the attack's own, fused into the step. Default: the steepest step in the norm, then the projection. */
  readonly update?: UpdateRule | undefined
}

/**
 * What an attack sees while it runs: only samples that still stand. A sample that falls leaves at once; `living` shrinks.
 * The host does everything that decides: projection, verification, counting, seeds.
 *
 * Points are confined before they are scored: to the ball and the bounds, or (attacks of minimum norm) to the bounds.
 * Where the threat model rounds, points stay as they are: what is scored or judged of them is a rounded copy.
 * A sample falls when its point reaches the goal within epsilon, checked by a fresh pass of the unmodified model.
 */
export interface AttackContext {
  readonly threat: ThreatModel
  readonly classes: number
  /** Shape of a sample, and its number of values. */
  readonly shape: readonly number[]
  readonly sampleSize: number
  /**
   * Of each value, least and greatest, and how far it goes in L∞ in units of epsilon: the bounds and 1, unless the threat
   * model has features. 0: it never changes.
   */
  readonly lower: Float32Array
  readonly upper: Float32Array
  readonly scale: Float32Array
  /** Of each value, the distance between the numbers it may be: 0, unless the threat model rounds. */
  readonly grain: Float32Array
  /** Number of samples still standing. */
  readonly living: number
  readonly samples: readonly Sample[]

  /**
   * Moves every living sample to its starting point: the clean sample, or a uniform draw from the ball (in
   * L2 and L1 uniform in volume), clipped to the bounds.
   */
  start(from: 'clean' | 'random'): void

  /**
   * One gradient step for every living sample: ascend the loss, project onto the ball and the bounds. One ONNX Runtime
   * call a batch does all of it, and also tells who has fallen.
   */
  step(options: StepOptions): Promise<void>

  /**
   * The gradient of the loss at the current point of every living sample, for an update on plain arrays; loss and scores as
   * well. One query and one gradient a sample.
   *
   * Each sample's gradient carries a positive factor, such that the greatest derivative of its loss by a logit is 1 and
   * nothing underflows. Of `margin` and `difference` it is 1 as it is.
   */
  gradient(options: GradientOptions): Promise<void>

  /** Scores the current point of every living sample: those it fools leave. One query a sample. */
  score(): Promise<void>

  /** Tries one candidate per living sample: `write` fills `out` (sample) from the clean sample `x`. One query a sample. */
  propose(write: (x: Float32Array, rng: Rng, out: Float32Array) => void): Promise<void>

  /** Something the reader of the results should know, once: it stands in the report beside them. */
  note(text: string): void
  /**
   * Takes out the samples that the attack is done with: no call costs them anything more. Their last points are judged
   * at the end, as those of the others. Where each sample has a loop of its own, it costs the same in any shard.
   */
  leave(isDone: (sample: Sample) => boolean): void

  /** Runs another attack on what still stands; each of its restarts begins at the clean samples. */
  run(
    attack: AttackPlugin,
    options?: { readonly params?: Readonly<Record<string, unknown>>; readonly restarts?: number },
  ): Promise<void>
}

export type Need = 'gradient' | 'scores' | 'labels'

export const attackKinds = ['fixed-epsilon', 'minimum-norm', 'universal', 'control'] as const

/**
 * - `fixed-epsilon`: points stay in the ball.
 * - `minimum-norm`: points stay within the bounds, and the closest adversarial example is kept; what it reaches within
 *   epsilon counts as any other success.
 * - `universal`: as fixed-epsilon, but for all samples together: none leaves before the end, and a cell is one task.
 * - `control`: no attack; it shows what random search finds.
 */
export type AttackKind = (typeof attackKinds)[number]

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
  readonly kind: AttackKind
  readonly needs: readonly Need[]
  readonly norms: readonly Norm[]
  readonly goals: readonly Goal['kind'][]
  /**
   * Whether its steps in L∞ follow `context.scale`, as those of `context.step` do. Without it, a threat model whose values go
   * unequally far is refused: the attack would be weak there, and the model would look robust.
   */
  readonly scales?: boolean | undefined
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
