import type { AttackResult } from '../attack/job.js'
import type { AttackPlugin } from '../attack/types.js'
import type { Goal, Norm } from '../threat/threat-model.js'
import { abortChecks } from './checks/abort.js'
import type { SettingCheck } from './checks/check.js'
import { costChecks } from './checks/costs.js'
import { declarationChecks } from './checks/declaration.js'
import { knownChecks } from './checks/known.js'
import { pointChecks } from './checks/points.js'
import { repeatChecks } from './checks/repeats.js'
import { flawOf } from './flaw.js'
import { goals, Setting, Trial, type KitOptions } from './trial.js'

/** What every attack must hold to. A new check is one entry in one of these lists. */
const settingChecks: readonly SettingCheck[] = [
  ...pointChecks,
  ...repeatChecks,
  ...costChecks,
  ...abortChecks,
  ...knownChecks,
]

/** One check of an attack, in one norm and towards one goal. */
export interface Check {
  /** `linf, target next`; empty where it concerns the attack as a whole. */
  readonly where: string
  readonly name: string
  /** Runs it. @returns what is wrong, in one line; null if nothing is */
  find(): Promise<string | null>
  /** Runs it. @throws Error with that line */
  assert(): Promise<void>
}

/** The conformance suite for one attack. */
export interface Kit {
  readonly plugin: AttackPlugin
  readonly checks: readonly Check[]
  /** Runs the attack on 40 samples of a small network, of which the network gets 32 right, for tests of your own. */
  attack(threat: KitThreat): Promise<AttackResult>
  /** @throws GNT_ATTACK_PARAMS for parameters that the attack does not take */
  specify(): void
  close(): Promise<void>
}

/** The bounds are 0 and 1. */
export interface KitThreat {
  readonly norm: Norm
  readonly epsilon: number
  readonly goal?: Goal | undefined
  readonly params?: Readonly<Record<string, unknown>> | undefined
}

/** The checks of an attack, none of them run yet. Models are opened when they are needed. */
export function kitOf(plugin: AttackPlugin, options: KitOptions = {}): Kit {
  const trial = new Trial(plugin, options)
  const settings = plugin.norms.flatMap((norm) =>
    goals
      .filter((goal) => plugin.goals.includes(goal.kind))
      .map((goal) => new Setting(trial, norm, goal)),
  )
  return {
    plugin,
    checks: [
      ...declarationChecks.map(({ name, run }) => checkOf('', name, () => run(trial))),
      ...settings.flatMap((setting) =>
        settingChecks
          .filter(({ applies }) => applies?.(setting) ?? true)
          .map(({ name, run }) => checkOf(whereOf(setting), name, () => run(setting))),
      ),
    ],
    attack: async ({ norm, epsilon, goal = { kind: 'untargeted' }, params }) =>
      trial.attack(
        await trial.small(),
        { norm, epsilon, bounds: [0, 1], goal },
        params ? { params } : {},
      ),
    specify: () => trial.specify(),
    close: () => trial.close(),
  }
}

function checkOf(where: string, name: string, run: () => Promise<void>): Check {
  const find = async (): Promise<string | null> => {
    try {
      await run()
      return null
    } catch (error) {
      return flawOf(error)
    }
  }
  return {
    where,
    name,
    find,
    async assert() {
      const flaw = await find()
      if (flaw !== null) throw new Error(flaw)
    },
  }
}

const whereOf = ({ norm, goal }: Setting): string =>
  `${norm}, ${goal.kind === 'targeted' ? `target ${goal.target}` : goal.kind}`
