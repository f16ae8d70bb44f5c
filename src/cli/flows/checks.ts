import type { AttackRegistry } from '../../attack/registry.js'
import { GauntletError } from '../../errors.js'
import type { AttackSpec } from '../../plan/task.js'
import type { Suite } from '../../suite/schema.js'
import { normLabels, type Goal, type ThreatModel } from '../../threat/threat-model.js'
import { canonicalJson } from '../../util/hash.js'

export interface Check {
  readonly attack: AttackSpec
  readonly threat: ThreatModel
  /** All samples are one task. */
  readonly isUndivided: boolean
}

/**
 * Every attack × threat of the suites, each once. Refuses pairs that an attack says it cannot do, before
 * any time is spent.
 * @param range - of the data: the bounds of every threat model
 * @throws GNT_ATTACK_NEEDS, GNT_ATTACK_UNKNOWN, GNT_ATTACK_PARAMS, GNT_CONFIG for an epsilon beyond the range
 */
export function expandSuites(
  suites: readonly Suite[],
  attacks: AttackRegistry,
  range: readonly [number, number],
): Check[] {
  const checks = new Map<string, Check>()
  for (const suite of suites)
    for (const { norm, epsilon: epsilons, goal: written } of suite.threats)
      for (const epsilon of epsilons)
        for (const use of suite.attacks) {
          const goal: Goal =
            written === 'untargeted'
              ? { kind: 'untargeted' }
              : { kind: 'targeted', target: written.target }
          const threat: ThreatModel = { norm, epsilon, bounds: range, goal }
          checkEpsilon(threat)
          const attack = attacks.specify(use.use, use.params, use.restarts, use)
          checkFit(attacks, attack, threat)
          const isUndivided = attacks.get(use.use).kind === 'universal'
          const check = { attack, threat, isUndivided }
          checks.set(canonicalJson(check), check)
        }
  return [...checks.values()]
}

/** @throws GNT_ATTACK_NEEDS when the plugin does not declare this norm or goal */
export function checkFit(attacks: AttackRegistry, attack: AttackSpec, threat: ThreatModel): void {
  const plugin = attacks.get(attack.attack)
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

/** An L∞ radius wider than the data is nearly always a unit slip: 8 for 8/255. Severities are levels. */
export function checkEpsilon({ norm, epsilon, bounds }: ThreatModel): void {
  if (norm === 'severity' && !(Number.isInteger(epsilon) && epsilon <= 5))
    throw new GauntletError('GNT_CONFIG', {
      what: 'there is no such severity',
      got: String(epsilon),
      expected: 'a whole number from 1 to 5',
    })
  const width = bounds[1] - bounds[0]
  if (norm !== 'linf' || epsilon <= width) return
  const scaled = epsilon <= 255 && bounds[0] === 0 && bounds[1] === 1
  throw new GauntletError('GNT_CONFIG', {
    what: 'epsilon is larger than the whole range of the data',
    got: String(epsilon),
    expected: `at most ${width}, as the data lie in ${bounds[0]}..${bounds[1]}`,
    fix: scaled ? `did you mean ${epsilon}/255?` : 'give epsilon in the units of the data',
  })
}
