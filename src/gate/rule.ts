import { z } from 'zod'
import type { Mean, PairedDifference, Proportion, TrialsDifference } from '../stats/types.js'
import { epsilonExpected, readEpsilon } from '../threat/epsilon.js'
import { norms } from '../threat/threat-model.js'
import type { CellId, Verdict, VersionResults } from './results.js'

const scopeSchema = z
  .strictObject({
    /** Id or label of an attack. */
    attack: z
      .string()
      .min(1)
      .optional()
      .describe(
        'only this attack, by id (pgd) or label (PGD-40); default: the worst case over all',
      ),
    norm: z.enum(norms).optional().describe('only this norm; default: each norm'),
    /** In the data set's units. */
    epsilon: z
      .union([z.number(), z.string()])
      .transform((value, context) => {
        const epsilon = readEpsilon(value)
        if (epsilon === undefined) context.addIssue({ code: 'custom', message: epsilonExpected })
        return epsilon ?? Number.NaN
      })
      .optional()
      .describe(
        'only this radius, in the units of the data: 0.03 or "8/255"; default: each radius',
      ),
  })
  .describe('the results the rule speaks of; it is applied at every norm and epsilon among them')

/** Which cells a rule speaks of; an absent field matches all. */
export type RuleScope = z.output<typeof scopeSchema>

/** The fields that rules of all kinds share. */
export const ruleFields = {
  id: z.string().min(1).describe('name of the rule, unique within the gate'),
  level: z
    .enum(['off', 'warn', 'error'])
    .optional()
    .describe('off: skipped; warn: shown, never fails the gate; error: decides (default error)'),
}

/** The fields that rules about attacks on finished models share. */
export const commonFields = { ...ruleFields, scope: scopeSchema.optional() }

export const metricField = z
  .enum(['cleanAccuracy', 'robustAccuracy'])
  .describe(
    'cleanAccuracy: right without an attack; robustAccuracy: right under every attack in scope, per sample',
  )

export type Metric = z.output<typeof metricField>

export const confidenceField = z
  .number()
  .gt(0.5)
  .lt(1)
  .optional()
  .describe('confidence of the statement, above 0.5 and below 1 (default 0.95)')

export const defaultConfidence = 0.95

/** What rules look at. */
export interface GateData {
  readonly baseline: VersionResults | null
  readonly candidate: VersionResults
  /** Cells that the plan asked for; one that is missing is never passed over. */
  readonly requiredCells: readonly CellId[]
}

/** What a rule finds, at one norm and epsilon or overall. */
export interface Outcome {
  readonly verdict: Verdict
  readonly reason: string
  /** Results are missing or contradict each other. A waiver accepts a known weakness; it does not cover this. */
  readonly isBlind?: boolean | undefined
  readonly value?: Proportion | undefined
  readonly difference?: PairedDifference | undefined
  readonly pAdjusted?: number | undefined
  readonly mean?: Mean | undefined
  readonly change?: TrialsDifference | undefined
}

export interface CorrectedTest {
  /** After Holm. */
  readonly p: number
  /** How many tests were corrected together. */
  readonly tests: number
}

/** A rule is examined in two steps, because the correction needs the p-values of all rules first. */
export interface Examination {
  /** p-values; those of all rules are one family. */
  readonly tests: readonly number[]
  /** @param corrected - one per entry of `tests`, in that order */
  decide(corrected: readonly CorrectedTest[]): Outcome
}

/** A kind of rule: what its configuration looks like and how it judges. Pure. */
export interface RuleKind<Schema extends z.ZodObject = z.ZodObject> {
  readonly schema: Schema
  examine(rule: z.output<Schema>, data: GateData): Examination
}

export function defineRule<const Schema extends z.ZodObject>(
  kind: RuleKind<Schema>,
): RuleKind<Schema> {
  return kind
}

/** For rules that need no test. */
export function decided(outcome: Outcome): Examination {
  return { tests: [], decide: () => outcome }
}

/** No verdict, because results are missing or contradict each other. */
export function blind(reason: string): Outcome {
  return { verdict: 'inconclusive', reason, isBlind: true }
}
