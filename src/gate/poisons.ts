import { z } from 'zod'
import { formatCounted, formatRate, formatSharePlain } from '../stats/format.js'
import { blind } from './rule.js'
import type { PoisonId, PoisonRate, PoisonResults, TrialValues, VersionResults } from './results.js'
import type { Finding } from './worst.js'

const rateSchema = z
  .strictObject({
    value: z.number().gt(0).max(1).describe('share, above 0: 0.01 is 1 %'),
    of: z
      .enum(['dataset', 'targetClass', 'sourceClass'])
      .describe('what it is a share of: dataset, targetClass or sourceClass'),
  })
  .describe('only this poison rate, with what it is a share of; default: each rate')

const poisonScopeSchema = z
  .strictObject({
    poison: z
      .string()
      .min(1)
      .optional()
      .describe('only this poison, by id (badnets) or label; default: each poison'),
    rate: rateSchema.optional(),
  })
  .describe(
    'the poisons that the rule speaks of; it is applied at every poison and rate among them',
  )

type PoisonScope = z.output<typeof poisonScopeSchema>

/** The fields of rules about poisons. */
export const poisonScopeField = { scope: poisonScopeSchema.optional() }

export const filterField = z
  .string()
  .min(1)
  .optional()
  .describe(
    'speak of the model trained on what this filter left over: id of a detector, random or oracle (default: of the model trained on all that the attacker left)',
  )

export const pairsOfPoisons = 'poison and rate pairs'

function sameRate(a: PoisonRate, b: PoisonRate): boolean {
  return a.of === b.of && a.value.toPrecision(10) === b.value.toPrecision(10)
}

export function poisonsInScope(
  { poisons = [] }: VersionResults,
  scope: PoisonScope | undefined,
): readonly PoisonResults[] {
  const { poison, rate } = scope ?? {}
  return poisons.filter(
    (one) =>
      (poison === undefined || isPoison(one, poison)) &&
      (rate === undefined || sameRate(one.rate, rate)),
  )
}

export function isPoison({ poison, label }: PoisonId, name: string): boolean {
  return poison === name || label === name
}

export function samePoison(a: PoisonId, b: PoisonId): boolean {
  return a.poison === b.poison && a.label === b.label && sameRate(a.rate, b.rate)
}

/** `BadNets 3×3 at 1 % of the data set`, `… after spectral` */
export function describePoison({ label, rate }: PoisonId, filter: string | undefined): string {
  return `${label} at ${formatRate(rate)}${filter === undefined ? '' : ` after ${filter}`}`
}

/** The scope in words, for a rule that matches nothing. */
export function describePoisonScope({ poison, rate }: PoisonScope = {}): string {
  const parts = [poison && `poison ${poison}`, rate && formatRate(rate)].filter(Boolean)
  return parts.length > 0 ? parts.join(', ') : 'any poison'
}

/** No verdict about one poison at one rate. */
export const undecided = (subject: string, why: string): Finding => ({
  ...blind(`${subject}: no verdict, ${why}`),
  slack: 0,
})

/** What each trial of a version gives, by trial; or why nothing can be said. */
export type Trials =
  { readonly values: ReadonlyMap<string, TrialValues> } | { readonly problem: string }

/** @param filter - none: the poisoned arm */
export function trialsOf(
  version: string,
  { planned, trials, doubts }: PoisonResults,
  filter: string | undefined,
): Trials {
  const doubt = doubts.find((one) => one.filter === undefined || one.filter === filter)
  if (doubt) return { problem: `the measurement on ${version} is not valid: ${doubt.text}` }
  if (trials.length === 0) return { problem: `${version} has no trial of it` }
  if (trials.length < planned)
    return { problem: `${trials.length} of ${formatCounted(planned, 'trial')} done on ${version}` }
  const values = new Map<string, TrialValues>()
  for (const { trial, poisoned, filtered } of trials) {
    const own = filter === undefined ? poisoned : filtered[filter]
    if (!own || Number.isNaN(own.attackSuccess))
      return { problem: `a trial on ${version} ${own ? 'attacked no sample' : lacking(filter)}` }
    if (values.has(trial)) return { problem: `${version} holds the trial ${trial} twice` }
    values.set(trial, own)
  }
  return { values }
}

function lacking(filter: string | undefined): string {
  return filter === undefined ? 'has no poisoned arm' : `was not filtered by ${filter}`
}

export const trialMetricField = z
  .enum(['attackSuccess', 'successfulTrials'])
  .describe(
    'attackSuccess: share of the attacked samples that reach the attacker’s goal, mean over trials; successfulTrials: share of the trials in which at least `threshold` of them do',
  )

export const thresholdField = z
  .number()
  .gt(0)
  .max(1)
  .optional()
  .describe(
    'share of the attacked samples at which a trial counts as successful, for successfulTrials (default 0.5)',
  )

export const defaultThreshold = 0.5

/** `attack success of …`, `successful trials (≥ 50 %) of …` */
export function describeTrialMetric(
  metric: 'attackSuccess' | 'successfulTrials' | 'cleanLoss',
  threshold: number,
): string {
  if (metric === 'attackSuccess') return 'attack success'
  if (metric === 'cleanLoss') return 'clean accuracy lost'
  return `successful trials (at least ${formatSharePlain(threshold)})`
}
