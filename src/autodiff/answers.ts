import { lowerings } from '../graph/lower/index.js'
import { realForms } from '../graph/lower/quantized.js'
import { operatorVersions } from './operator-versions.js'
import { refusals, rewritten } from './refusals.js'
import { rules } from './rules/index.js'

/**
 * - `rule`: differentiated;
 * - `lowered`: written with simpler operators, which are differentiated;
 * - `straight-through`: a surrogate stands for the derivative and is reported;
 * - `zero`: nothing flows, because the output does not change with small changes of the input;
 * - `refused`: an error that says why.
 */
export type AnswerKind = 'rule' | 'lowered' | 'straight-through' | 'zero' | 'refused'

export interface OperatorAnswer {
  /** `Relu`, `com.microsoft:FusedConv`. */
  readonly operator: string
  readonly answer: AnswerKind
  /** Opsets of ai.onnx that have a form of their own, from 7 on; empty in other domains. */
  readonly opsets: readonly number[]
  readonly note: string
}

/** What the compiler does with every operator it knows of: all of ai.onnx, and those of com.microsoft it can. */
export function operatorAnswers(): OperatorAnswer[] {
  const known = new Set([
    ...Object.keys(operatorVersions),
    ...Object.keys(rules),
    ...Object.keys(lowerings),
    ...Object.keys(realForms),
  ])
  return [...known].map(answerOf).toSorted((a, b) => order(a) - order(b) || compare(a, b))
}

export function answerOf(operator: string): OperatorAnswer {
  const versions = operatorVersions[operator] ?? []
  const first = Math.max(0, ...versions.filter((version) => version <= 7))
  const opsets = versions.flatMap((version) => (version < first ? [] : [Math.max(7, version)]))
  return { operator, opsets, ...settled(operator) }
}

function settled(operator: string): Pick<OperatorAnswer, 'answer' | 'note'> {
  const other = rewritten[operator]
  if (other) return { answer: settled(other).answer, note: `as ${other}` }
  if (operator in lowerings) return { answer: 'lowered', note: '' }
  if (operator in realForms) return { answer: 'straight-through', note: 'real form' }
  const rule = rules[operator]
  switch (rule?.kind) {
    case 'gradient':
      return { answer: 'rule', note: '' }
    case 'zero':
      return { answer: 'zero', note: '' }
    case 'straightThrough':
      return { answer: 'straight-through', note: rule.surrogate }
    case 'choice':
      return { answer: 'rule', note: rule.note }
    case undefined:
      return { answer: 'refused', note: refusals[operator] ?? 'no rule' }
  }
}

const order = ({ operator }: OperatorAnswer): number => (operator.includes(':') ? 1 : 0)
const compare = (a: OperatorAnswer, b: OperatorAnswer): number => (a.operator < b.operator ? -1 : 1)
