import type { AttackSpec, Outcome } from '../../../src/plan/task.js'
import type { Finding } from '../../../src/trust/types.js'
import { resultFindings } from '../../../src/trust/results/index.js'
import type { AttackFacts, ResultCell, ResultInput } from '../../../src/trust/results/types.js'
import type { Goal, Norm } from '../../../src/threat/threat-model.js'

const facts: Readonly<Record<string, AttackFacts>> = {
  fgsm: { kind: 'fixed-epsilon', needs: ['gradient'] },
  pgd: { kind: 'fixed-epsilon', needs: ['gradient'] },
  deepfool: { kind: 'minimum-norm', needs: ['gradient'] },
  square: { kind: 'fixed-epsilon', needs: ['scores'] },
  boundary: { kind: 'minimum-norm', needs: ['labels'] },
  universal: { kind: 'universal', needs: ['gradient'] },
  noise: { kind: 'control', needs: ['labels'] },
}

/** Of each sample, how many gradients an attack takes that does not say how many steps. */
const gradients: Readonly<Record<string, number>> = {
  fgsm: 1,
  pgd: 40,
  deepfool: 90,
  universal: 50,
}

interface CellParts {
  readonly samples?: number
  /** How many of the last samples are wrong without an attack. */
  readonly wrong?: number
  /** Which are broken: so many of the first, or those from one number to before another. */
  readonly broken?: number | readonly [number, number]
  readonly label?: string
  readonly params?: AttackSpec['params']
  readonly restarts?: number
  readonly eot?: number
  readonly surrogate?: string
  readonly norm?: Norm
  readonly epsilon?: number
  readonly goal?: Goal
  readonly complete?: boolean
  /** Of the examples, as a share of epsilon. */
  readonly reach?: number
  readonly edit?: (outcome: Outcome) => Outcome
}

export function cell(attack: string, parts: CellParts = {}): ResultCell {
  const { samples = 1000, wrong = 0, broken = 0, norm = 'linf', epsilon = 8 / 255 } = parts
  const { params = {}, restarts = 1, eot, surrogate, complete = true, reach = 1 } = parts
  const [from, to] = typeof broken === 'number' ? [0, broken] : broken
  const outcomes = Array.from({ length: samples }, (_, sample): Outcome => {
    const isWrong = sample >= samples - wrong
    const success = !isWrong && sample >= from && sample < to
    const label = sample % 10
    const other = (label + 1) % 10
    const outcome = {
      sample,
      label,
      cleanPrediction: isWrong ? other : label,
      adversarialPrediction: isWrong || success ? other : label,
      success,
      distance: isWrong ? 0 : reach * epsilon,
      queries: 50,
      gradients: isWrong ? 0 : (gradients[attack] ?? 0) * restarts * (eot ?? 1),
    }
    return parts.edit ? parts.edit(outcome) : outcome
  })
  return {
    attack: {
      attack,
      version: 1,
      params,
      restarts,
      ...(eot === undefined ? {} : { eot }),
      ...(surrogate === undefined ? {} : { surrogate }),
      label: parts.label ?? attack.toUpperCase(),
    },
    threat: { norm, epsilon, bounds: [0, 1], goal: parts.goal ?? { kind: 'untargeted' } },
    outcomes,
    complete,
  }
}

export type Case = readonly ResultCell[] | Partial<ResultInput>

/** What is found in the cells of a version `v2`. */
export function findingsOf(given: Case): Finding[] {
  const more = 'length' in given ? { cells: given } : given
  return resultFindings({ version: 'v2', cells: [], kinds: (id) => facts[id], ...more })
}
