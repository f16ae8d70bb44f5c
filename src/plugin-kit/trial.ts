import { runAttack } from '../attack/host.js'
import type { AttackJob, AttackResult } from '../attack/job.js'
import { AttackRegistry } from '../attack/registry.js'
import type { AttackPlugin } from '../attack/types.js'
import { GauntletError } from '../errors.js'
import type { Goal, Norm, ThreatModel } from '../threat/threat-model.js'
import { expectThat } from './flaw.js'
import { convolutionGround, smallGround, type Ground } from './ground.js'

export interface KitOptions {
  /** Parameters that are not the attack's own defaults. */
  readonly params?: Readonly<Record<string, unknown>> | undefined
  /** Those of the linear model, where speed counts less. Default: `params`. */
  readonly knownParams?: Readonly<Record<string, unknown>> | undefined
  /** Whether two seeds give two results; not checked if it is not said. */
  readonly isRandom?: boolean | undefined
  /**
   * At how many times the least epsilon the attack must fool the linear model; default by its `needs` and kind. Null: it is
   * made for other models, and not asked.
   */
  readonly reach?: number | null | undefined
  /** Seconds that one attack on a small model may take. Default 180. */
  readonly patience?: number | undefined
  /** What runs and judges attacks: tests of the checks give one that errs. */
  readonly host?: typeof runAttack | undefined
}

export type Change = Partial<AttackJob> & { readonly restarts?: number | undefined }

/** An attack on trial: what all its checks share. */
export class Trial {
  readonly plugin: AttackPlugin
  readonly options: KitOptions
  readonly #registry: AttackRegistry
  readonly #grounds = new Map<() => Promise<Ground>, Promise<Ground>>()

  constructor(plugin: AttackPlugin, options: KitOptions = {}) {
    this.plugin = plugin
    this.options = options
    this.#registry = new AttackRegistry([plugin])
  }

  /** @throws GNT_ATTACK_PARAMS */
  specify(): void {
    const { params, knownParams } = this.options
    for (const given of [params, knownParams])
      if (given) this.#registry.specify(this.plugin.id, given)
  }

  small(): Promise<Ground> {
    return this.ground(smallGround)
  }

  convolution(): Promise<Ground> {
    return this.ground(convolutionGround)
  }

  /** Opened once for each function. */
  ground(open: () => Promise<Ground>): Promise<Ground> {
    let ground = this.#grounds.get(open)
    if (!ground) {
      ground = open()
      this.#grounds.set(open, ground)
    }
    return ground
  }

  async attack(
    { model, x, labels }: Ground,
    threat: ThreatModel,
    change: Change & { readonly params?: KitOptions['params'] } = {},
  ): Promise<AttackResult> {
    const { plugin, options } = this
    const { restarts = 1, params = options.params, ...rest } = change
    const { patience = 180 } = options
    const start = performance.now()
    try {
      return await (options.host ?? runAttack)({
        model,
        plugin,
        spec: this.#registry.specify(plugin.id, params, restarts),
        threat,
        x,
        labels,
        samples: Array.from(labels, (_, i) => 100 + i),
        seed: 7,
        batch: 16,
        isCancelled: () => performance.now() - start > 1000 * patience,
        ...rest,
      })
    } catch (error) {
      const isLate = error instanceof GauntletError && error.code === 'GNT_INTERRUPTED'
      expectThat(
        change.isCancelled !== undefined || !isLate,
        () => `it did not end within ${patience} s on ${labels.length} small samples`,
      )
      throw error
    }
  }

  async close(): Promise<void> {
    for (const ground of await Promise.allSettled(this.#grounds.values()))
      if (ground.status === 'fulfilled') await ground.value.model.close()
    this.#grounds.clear()
  }
}

/** Radii at which the small network is fooled on some of its samples, but not on all. */
const radii: Readonly<Record<Norm, number>> = {
  linf: 0.12,
  l2: 0.4,
  l1: 1,
  l0: 3,
  severity: 3,
}

export const goals: readonly Goal[] = [
  { kind: 'untargeted' },
  { kind: 'targeted', target: 'random' },
  { kind: 'targeted', target: 'least-likely' },
  { kind: 'targeted', target: 'next' },
  { kind: 'targeted', target: 2 },
]

/** A trial in one norm and towards one goal, on the small network. */
export class Setting {
  readonly trial: Trial
  readonly norm: Norm
  readonly goal: Goal
  readonly threat: ThreatModel
  #base: Promise<AttackResult> | undefined

  constructor(trial: Trial, norm: Norm, goal: Goal) {
    this.trial = trial
    this.norm = norm
    this.goal = goal
    this.threat = { norm, epsilon: radii[norm], bounds: [0, 1], goal }
  }

  get plugin(): AttackPlugin {
    return this.trial.plugin
  }

  ground(): Promise<Ground> {
    return this.trial.small()
  }

  /** The attack as it is, run once for all checks. */
  base(): Promise<AttackResult> {
    this.#base ??= this.attack()
    return this.#base
  }

  async attack(change: Change = {}): Promise<AttackResult> {
    return this.trial.attack(await this.ground(), this.threat, change)
  }
}
