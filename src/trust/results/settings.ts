import { formatCounted } from '../../stats/format.js'
import { formatEpsilon } from '../../threat/threat-model.js'
import type { Finding } from '../types.js'
import { isAttacked, type Trial } from './trial.js'

/** Fewer samples than this have no median worth the name. */
const leastFailed = 5

/** E12 and E13: attacks with gradients that cannot, or do not, go as far as they may. */
export function findSettings(
  trials: readonly Trial[],
  version: string,
  tolerance: number,
): Finding[] {
  return trials
    .filter(({ role, kind }) => role === 'gradient' && kind === 'fixed-epsilon')
    .flatMap((trial) =>
      [unusedEpsilon(trial, tolerance), stepSize(trial)].flatMap((found): Finding[] =>
        found ? [{ ...found, severity: 'warning', version, where: trial.where }] : [],
      ),
    )
}

type Found = Pick<Finding, 'signal' | 'text'>

/** Where no more samples stand than the tolerance, they decide nothing. */
function unusedEpsilon({ threat, outcomes }: Trial, tolerance: number): Found | undefined {
  if (threat.norm !== 'linf') return undefined
  const distances = outcomes
    .filter((outcome) => isAttacked(outcome, threat) && !outcome.success)
    .map(({ distance }) => distance)
    .sort((a, b) => a - b)
  const median = distances[Math.floor(distances.length / 2)] ?? NaN
  if (distances.length < leastFailed || distances.length <= tolerance * outcomes.length)
    return undefined
  if (!(median < 0.5 * threat.epsilon)) return undefined
  return {
    signal: 'E12',
    text: `the ${formatCounted(distances.length, 'sample')} it failed on ended at a median distance of ${short(median)}, ${short(median / threat.epsilon)} of epsilon`,
  }
}

function stepSize({ attack, threat }: Trial): Found | undefined {
  const { steps, stepSize: absolute, relStepSize } = attack.params
  const size =
    typeof absolute === 'number'
      ? absolute
      : typeof relStepSize === 'number'
        ? relStepSize * threat.epsilon
        : undefined
  if (typeof steps !== 'number' || size === undefined) return undefined
  // Rounding: ten steps of a tenth do reach the border.
  const reach = steps * size
  if (reach < threat.epsilon * (1 - 1e-6))
    return {
      signal: 'E13',
      text: `${formatCounted(steps, 'step')} of ${short(size)} reach ${short(reach)}, and epsilon is ${formatEpsilon(threat.epsilon)}`,
    }
  // One step that overshoots is a way of its own (R+FGSM); several jump from border to border.
  if (steps > 1 && size > threat.epsilon * (1 + 1e-6))
    return {
      signal: 'E13',
      text: `each of ${formatCounted(steps, 'step')} is ${short(size)} long, and epsilon is ${formatEpsilon(threat.epsilon)}`,
    }
  return undefined
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)))
}
