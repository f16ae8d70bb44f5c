import type { AttackRegistry } from '../../attack/registry.js'
import type { AttackPlugin } from '../../attack/types.js'
import { GauntletError } from '../../errors.js'
import type { AttackSpec } from '../../plan/task.js'
import type { Suite } from '../../suite/schema.js'
import { sampleSize } from '../../data/dataset.js'
import { checkConstraints } from '../../threat/features.js'
import { normLabels, type Goal, type ThreatModel } from '../../threat/threat-model.js'
import { canonicalJson } from '../../util/hash.js'
import { checkData } from './check-data.js'
import { nameOfValue, resolveFeatures, type TableData } from './features.js'

export interface Check {
  readonly attack: AttackSpec
  readonly threat: ThreatModel
  /** All samples are one task. */
  readonly isUndivided: boolean
}

/**
 * Every attack × threat of the suites, each once. Refuses pairs that an attack says it cannot do, before
 * any time is spent.
 * @param data - its range is the bounds of every threat model, and its columns are what features name
 * @throws GNT_ATTACK_NEEDS, GNT_ATTACK_UNKNOWN, GNT_ATTACK_PARAMS, GNT_CONFIG for an epsilon beyond the range
 */
export function expandSuites(
  suites: readonly Suite[],
  attacks: AttackRegistry,
  data: TableData,
): Check[] {
  const checks = new Map<string, Check>()
  for (const suite of suites)
    for (const written of suite.threats) {
      const { norm, quantize } = written
      const goal: Goal =
        written.goal === 'untargeted'
          ? { kind: 'untargeted' }
          : { kind: 'targeted', target: written.goal.target }
      const features = written.features && resolveFeatures(written.features, data)
      for (const epsilon of written.epsilon) {
        const threat: ThreatModel = {
          norm,
          epsilon,
          bounds: data.range,
          goal,
          // Absent where there are none: they are part of a task's key.
          ...(features ? { features } : {}),
          ...(quantize === undefined ? {} : { quantize }),
        }
        checkThreat(threat, data, `suite ${suite.id}`)
        for (const use of suite.attacks) {
          const attack = attacks.specify(use.use, use.params, use.restarts, use)
          checkFit(attacks, attack, threat)
          const isUndivided = attacks.get(use.use).kind === 'universal'
          const check = { attack, threat, isUndivided }
          checks.set(canonicalJson(check), check)
        }
      }
    }
  return [...checks.values()]
}

/** @throws GNT_ATTACK_NEEDS when the plugin does not declare this norm or goal */
export function checkForm(plugin: AttackPlugin, threat: Pick<ThreatModel, 'norm' | 'goal'>): void {
  if (!plugin.norms.includes(threat.norm))
    throw new GauntletError('GNT_ATTACK_NEEDS', {
      what: `${plugin.id} cannot work in this norm`,
      got: normLabels[threat.norm],
      expected: plugin.norms.map((norm) => normLabels[norm]).join(', '),
    })
  if (!plugin.goals.includes(threat.goal.kind))
    throw new GauntletError('GNT_ATTACK_NEEDS', {
      what: `${plugin.id} has no ${threat.goal.kind} form`,
      expected: plugin.goals.join(', '),
    })
}

/** As `checkForm`, and with the features. @throws GNT_ATTACK_NEEDS */
export function checkFit(attacks: AttackRegistry, attack: AttackSpec, threat: ThreatModel): void {
  const plugin = attacks.get(attack.attack)
  checkForm(plugin, threat)
  const isUneven = threat.features?.scale?.some((factor) => factor !== 0 && factor !== 1)
  if (threat.norm === 'linf' && isUneven && plugin.scales !== true)
    throw new GauntletError('GNT_ATTACK_NEEDS', {
      what: `the steps of ${plugin.id} are alike for all values, and would be weak where columns have scales`,
      where: 'features.scale',
      expected: `one of ${attacks.all.flatMap((one) => (one.scales && one.norms.includes('linf') ? [one.id] : [])).join(', ')}`,
    })
}

/**
 * What no attack could work with.
 * @param where - what epsilon came from
 * @throws GNT_CONFIG, GNT_ATTACK_NEEDS, GNT_DATA_VALUES
 */
export function checkThreat(threat: ThreatModel, data: TableData, where: string): void {
  checkEpsilon(threat, where)
  checkConstraints(threat, sampleSize(data), (i) => nameOfValue(i, data))
  checkData(threat, data)
}

/** An L∞ radius wider than the data is nearly always a unit slip: 8 for 8/255. Severities are levels. */
export function checkEpsilon(
  { norm, epsilon, bounds, features }: Omit<ThreatModel, 'goal'>,
  where: string,
): void {
  if (norm === 'severity' && !(Number.isInteger(epsilon) && epsilon <= 5))
    throw new GauntletError('GNT_CONFIG', {
      what: 'there is no such severity',
      where,
      got: String(epsilon),
      expected: 'a whole number from 1 to 5',
    })
  const width = bounds[1] - bounds[0]
  // With scales, epsilon may be in units of its own.
  if (norm !== 'linf' || features?.scale || epsilon <= width) return
  const scaled = epsilon <= 255 && bounds[0] === 0 && bounds[1] === 1
  throw new GauntletError('GNT_CONFIG', {
    what: 'epsilon is larger than the whole range of the data',
    where,
    got: String(epsilon),
    expected: `at most ${width}, as the data lie in ${bounds[0]}..${bounds[1]}`,
    fix: scaled ? `did you mean ${epsilon}/255?` : 'give epsilon in the units of the data',
  })
}
