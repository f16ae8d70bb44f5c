import type { Outcome } from '../../plan/task.js'
import {
  formatEpsilon,
  normLabels,
  type Goal,
  type ThreatModel,
} from '../../threat/threat-model.js'
import { canonicalJson } from '../../util/hash.js'
import type { AttackFacts, ResultCell, ResultInput, ResultSet } from './types.js'

/**
 * - `gradient`: on the model's own gradients.
 * - `gradient-free`: on its scores or labels alone.
 * - `transfer`: crafted on another model.
 * - `universal`: one perturbation for all, not a search for each sample.
 * - `control`: no attack.
 */
type Role = 'gradient' | 'gradient-free' | 'transfer' | 'universal' | 'control'

/** A cell as the checks read it. */
export interface Trial extends ResultCell {
  readonly kind: AttackFacts['kind']
  readonly role: Role
  /** More than one gradient after the other, of the model's own. */
  readonly isIterative: boolean
  /** `PGD-40, L∞ 8/255` */
  readonly where: string
  readonly bySample: ReadonlyMap<number, Outcome>
}

export const isRight = (outcome: Outcome): boolean => outcome.cleanPrediction === outcome.label

export const isRobust = (outcome: Outcome): boolean => isRight(outcome) && !outcome.success

/** What was attacked: right, and not of the target class already. */
export function isAttacked(outcome: Outcome, { goal }: ThreatModel): boolean {
  return isRight(outcome) && !(goal.kind === 'targeted' && goal.target === outcome.label)
}

export function readTrials(set: ResultSet, kinds: ResultInput['kinds']): Trial[] {
  return set.cells.map((cell): Trial => {
    const { attack, threat, outcomes } = cell
    const facts = kinds(attack.attack) ?? guess(cell)
    const role = roleOf(facts, attack.surrogate !== undefined && attack.surrogate !== set.version)
    return {
      ...cell,
      kind: facts.kind,
      role,
      isIterative: role === 'gradient' && (facts.isIterative ?? takesSteps(cell)),
      where: `${attack.label}, ${formatThreat(threat)}`,
      bySample: new Map(outcomes.map((outcome) => [outcome.sample, outcome])),
    }
  })
}

function roleOf({ kind, needs }: AttackFacts, isTransfer: boolean): Role {
  if (kind === 'control' || kind === 'universal') return kind
  if (isTransfer) return 'transfer'
  return needs.includes('gradient') ? 'gradient' : 'gradient-free'
}

/** Only a search for the nearest example ends beyond epsilon. */
function guess({ threat, outcomes }: ResultCell): AttackFacts {
  const hasGradients = outcomes.some(({ gradients }) => gradients > 0)
  const goesBeyond = outcomes.some(({ success, distance }) => !success && distance > threat.epsilon)
  return {
    kind: goesBeyond ? 'minimum-norm' : 'fixed-epsilon',
    needs: [hasGradients ? 'gradient' : 'scores'],
  }
}

/** The parameters tell where every sample fell at the first step. */
function takesSteps({ attack, outcomes }: ResultCell): boolean {
  const ofOneStep = attack.restarts * (attack.eot ?? 1)
  const steps = attack.params['steps']
  return (
    (typeof steps === 'number' && steps > 1) ||
    outcomes.some(({ gradients }) => gradients > ofOneStep)
  )
}

/** `L∞ 8/255`, `L2 0.5 to next` */
export function formatThreat({ norm, epsilon, goal }: ThreatModel): string {
  return `${normLabels[norm]} ${formatEpsilon(epsilon)}${formatGoal(goal)}`
}

/** `L∞`, `L2 to next` */
export function formatNorm({ norm, goal }: ThreatModel): string {
  return `${normLabels[norm]}${formatGoal(goal)}`
}

function formatGoal(goal: Goal): string {
  return goal.kind === 'targeted' ? ` to ${goal.target}` : ''
}

/** Trials that share what `keyOf` says, in order of first appearance. */
export function groupBy(trials: readonly Trial[], keyOf: (trial: Trial) => unknown): Trial[][] {
  const groups = new Map<string, Trial[]>()
  for (const trial of trials) {
    const key = canonicalJson(keyOf(trial))
    const group = groups.get(key)
    if (group) group.push(trial)
    else groups.set(key, [trial])
  }
  return [...groups.values()]
}

/** Ten digits: 8/255 read from a fraction and from a decimal are the same radius. */
export function sameEpsilon(a: number, b: number): boolean {
  return a.toPrecision(10) === b.toPrecision(10)
}

/** Trials of one norm, epsilon and goal. */
export function groupByThreat(trials: readonly Trial[]): Trial[][] {
  return groupBy(trials, ({ threat: { norm, epsilon, goal } }) => [
    norm,
    epsilon.toPrecision(10),
    goal,
  ])
}
