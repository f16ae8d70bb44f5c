import { noise } from '../../../attacks/evasion/noise.js'
import type { AttackJob, AttackResult } from '../../attack/job.js'
import { AttackRegistry } from '../../attack/registry.js'
import type { AttackPlugin } from '../../attack/types.js'
import type { Norm, ThreatModel } from '../../threat/threat-model.js'
import { expectThat } from '../flaw.js'
import { linearGround, type Ground } from '../ground.js'
import {
  leastEpsilon,
  linearBounds,
  linearSamples,
  linearTarget,
  type KnownSample,
} from '../known-answer.js'
import type { KitOptions, Setting, Trial } from '../trial.js'
import type { SettingCheck } from './check.js'

/** What is asked of an attack on the linear model. */
interface Demand {
  /** Times the least epsilon. */
  readonly reach: number
  /** Of the samples, there. */
  readonly share: number
}

/** One gradient says all of a linear model; scores and labels have to be asked for bit by bit. */
function demandOf({ needs, kind }: AttackPlugin): Demand {
  if (kind === 'universal') return { reach: 1.5, share: 0.8 }
  if (needs.includes('gradient')) return { reach: 1.05, share: 1 }
  return { reach: needs.includes('scores') ? 2 : 3, share: 0.5 }
}

/** Noise finds next to nothing there: the samples have 144 values. */
const mostByNoise = 0.1
const count = 40

/** The linear model with its samples: for all goals and norms of a trial one of each kind. */
const openers = {
  /** Both ways across the border between the classes 0 and 1. */
  untargeted: (): Promise<Ground> => linearGround(samples.untargeted),
  /** From class 0 to one that is not the nearest. */
  targeted: (): Promise<Ground> => linearGround(samples.targeted),
  /** What all samples have in common. */
  universal: (): Promise<Ground> => linearGround(samples.universal),
}
const samples: Readonly<Record<keyof typeof openers, readonly KnownSample[]>> = {
  untargeted: linearSamples(count, [0, 1]),
  targeted: linearSamples(count, [0]),
  universal: linearSamples(count, [0]),
}

/** The attack on the linear model, in one norm and towards one goal. */
interface KnownCase {
  readonly ground: Ground
  /** Of each sample. */
  readonly least: readonly number[]
  readonly attack: Attack
}

type Attack = (
  epsilon: number,
  change?: Pick<AttackJob, 'search'> & Pick<KitOptions, 'params'>,
) => Promise<AttackResult>

/** Of what is no norm, a linear model has no least epsilon. */
const isKnown = ({ goal, norm }: Setting): boolean =>
  norm !== 'severity' && (goal.kind === 'untargeted' || goal.target === linearTarget)

async function caseOf({ trial, norm, goal }: Setting): Promise<KnownCase> {
  const { plugin, options } = trial
  const isTargeted = goal.kind === 'targeted'
  const which = isTargeted ? 'targeted' : plugin.kind === 'universal' ? 'universal' : 'untargeted'
  const ground = await trial.ground(openers[which])
  const params = options.knownParams ?? options.params
  return {
    ground,
    least: samples[which].map((one) => leastEpsilon(norm, one, isTargeted ? linearTarget : null)),
    attack: (epsilon, change = {}) =>
      trial.attack(
        ground,
        { norm, epsilon, bounds: linearBounds(norm), goal },
        { restarts: plugin.restarts, params, ...change },
      ),
  }
}

export const knownChecks: readonly SettingCheck[] = [
  {
    name: 'finds nothing on a linear model where nothing is',
    applies: isKnown,
    async run(setting) {
      const { least, attack } = await caseOf(setting)
      const smallest = Math.min(...least)
      const epsilon = setting.norm === 'l0' ? smallest - 1 : 0.99 * smallest
      // The host's word: how hard the attack tries matters little.
      const found = successes(await attack(epsilon, { params: setting.trial.options.params }))
      expectThat(found === 0, () => `it fools ${found} of ${count} where nothing can: ${epsilon}`)
    },
  },
  {
    name: 'beats noise on a linear model, and finds its least epsilon',
    applies: (setting) =>
      isKnown(setting) && setting.plugin.kind !== 'control' && setting.trial.options.reach !== null,
    async run(setting) {
      const { trial, norm, goal, plugin } = setting
      const { ground, least, attack } = await caseOf(setting)
      const demand = demandOf(plugin)
      const reach = trial.options.reach ?? demand.reach
      if (plugin.kind === 'minimum-norm') await measures(attack, norm, least, { ...demand, reach })
      const epsilon = above(norm, reach, Math.max(...least))
      const result = await attack(epsilon)
      const found = successes(result)
      const said = `at ${reach} times the least epsilon it fools ${found} of ${count}`
      const needed = Math.ceil(demand.share * count)
      expectThat(found >= needed, () => `${said}, ${needed} or more are asked for`)
      const threat: ThreatModel = { norm, epsilon, bounds: linearBounds(norm), goal }
      const byNoise = await noiseFinds(trial, ground, threat, result)
      expectThat(
        byNoise <= mostByNoise * count || 2 * byNoise <= found,
        () => `${said}, as noise does ${byNoise}`,
      )
    },
  },
]

/** In L0 whole values are changed. */
const above = (norm: Norm, reach: number, least: number): number =>
  norm === 'l0' ? Math.ceil(reach * least) : reach * least

/** An attack of minimum norm says how near the border is. */
async function measures(
  attack: Attack,
  norm: Norm,
  least: readonly number[],
  { reach, share }: Demand,
): Promise<void> {
  const epsilon = above(norm, reach, Math.max(...least))
  const { outcomes } = await attack(epsilon, { search: 'closest' })
  const near = outcomes.filter(
    ({ success, distance }, i) => success && distance <= above(norm, reach, least[i]!),
  )
  const needed = Math.ceil(share * count)
  expectThat(
    near.length >= needed,
    () =>
      `the closest examples of ${near.length} of ${count} lie within ${reach} times the least epsilon, ${needed} or more are asked for`,
  )
}

/** Noise with as many queries as the attack took. */
async function noiseFinds(
  trial: Trial,
  ground: Ground,
  threat: ThreatModel,
  { outcomes }: AttackResult,
): Promise<number> {
  const most = Math.max(...outcomes.map(({ queries, gradients }) => queries + gradients))
  const tries = Math.min(Math.max(most, 20), 200)
  const spec = new AttackRegistry([noise]).specify(noise.id, { tries })
  return successes(await trial.attack(ground, threat, { plugin: noise, spec, batch: 64 }))
}

const successes = ({ outcomes }: AttackResult): number =>
  outcomes.filter(({ success }) => success).length
