import { z } from 'zod'
import { GauntletError } from '../errors.js'
import { formatCounted } from '../stats/format.js'
import { holm } from '../stats/multiple.js'
import { firstProblem } from '../util/schema-problem.js'
import type { Examination, Outcome } from './rule.js'
import { examineRule, gateRuleSchema, waiverSchema, type GateRule } from './schema.js'
import type { CellId, GateResult, RuleResult, Verdict, VersionResults, Waiver } from './results.js'
import { combineVerdicts, countsAs } from './verdict.js'
import { checkWaivers, utcDay, waiverOf } from './waivers.js'

interface GateInput {
  readonly rules: readonly GateRule[]
  readonly waivers?: readonly Waiver[] | undefined
  /** Null when there is none; rules that compare are then inconclusive. */
  readonly baseline: VersionResults | null
  readonly candidate: VersionResults
  /** The cells that were planned: a rule whose scope holds one that has no result does not pass. */
  readonly requiredCells?: readonly CellId[] | undefined
  /** Why the evaluation of one of the two is not valid, one line each: then nothing is decided by it. */
  readonly doubts?: readonly string[] | undefined
  /** Decides which waivers hold. Default: now. */
  readonly today?: Date | undefined
}

/**
 * Applies the rules to two versions. Fails closed: what is missing, unfinished, contradictory or not
 * comparable is inconclusive, never a pass; so is a gate without rules.
 *
 * - A rule at level `warn` is judged and shown but decides nothing; `off` is left out.
 * - A waiver keeps a rule that fails, or that has too few samples to decide, from deciding. It does not
 *   cover missing or contradictory results.
 *
 * @throws GauntletError GNT_CONFIG for a malformed rule or waiver, two rules of one id, or a waiver for no rule
 */
export function evaluateGate(input: GateInput): GateResult {
  const { baseline, candidate, requiredCells = [] } = input
  const rules = checkRules(input.rules)
  const waivers = check(z.array(waiverSchema), input.waivers ?? [], 'gate.waivers')
  checkWaivers(waivers, rules)
  const active = rules.filter(({ level }) => level !== 'off')
  const data = { baseline, candidate, requiredCells }
  const outcomes = decideAll(active.map((rule) => examineRule(rule, data)))
  const today = utcDay(input.today ?? new Date())
  const judged = active.map((rule, i) => report(rule, outcomes[i], waivers, today))
  const doubts = (input.doubts ?? []).map(asRule)
  const results = [...doubts, ...judged]
  const isVoid = doubts.length > 0
  const verdict = isVoid ? 'inconclusive' : combineVerdicts(results)
  return {
    verdict,
    reason: isVoid
      ? `the evaluation is not valid: ${input.doubts![0]}`
      : rules.length === 0
        ? 'the gate has no rules'
        : explain(verdict, results),
    baseline: baseline?.version ?? null,
    candidate: candidate.version,
    rules: results,
  }
}

/** What invalidates an evaluation stands among the rules, so that every report shows it. It cannot be waived. */
const asRule = (doubt: string, i: number): RuleResult => ({
  id: i === 0 ? 'self-audit' : `self-audit-${i + 1}`,
  kind: 'self-audit',
  level: 'error',
  verdict: 'inconclusive',
  reason: doubt,
})

/** Corrects the p-values of all rules as one family, then lets each rule decide. */
function decideAll(examinations: readonly Examination[]): readonly Outcome[] {
  const family = holm(examinations.flatMap(({ tests }) => tests))
  let from = 0
  return examinations.map((examination) => {
    const own = family.slice(from, (from += examination.tests.length))
    return examination.decide(own.map((p) => ({ p, tests: family.length })))
  })
}

function report(
  rule: GateRule,
  outcome: Outcome | undefined,
  waivers: readonly Waiver[],
  today: string,
): RuleResult {
  if (!outcome) throw new Error(`rule ${rule.id} was not decided`)
  const { isBlind, reason, ...found } = outcome
  const { active, expired } = waiverOf(waivers, rule.id, today)
  const common = { id: rule.id, kind: rule.kind, level: rule.level ?? 'error', ...found } as const
  if (expired)
    return {
      ...common,
      reason: `${reason}; its waiver expired on ${expired.expires} (${expired.reason})`,
    }
  if (!active || found.verdict === 'pass') return { ...common, reason }
  // A known weakness can be waived; what was not seen cannot, even beside a failure that is.
  if (isBlind === true)
    return {
      ...common,
      verdict: 'inconclusive',
      reason: `${reason}; its waiver does not cover missing results`,
    }
  return { ...common, reason, waived: { reason: active.reason, expires: active.expires } }
}

function explain(verdict: Verdict, rules: readonly RuleResult[]): string {
  if (rules.length === 0) return 'all rules of the gate are off'
  const ids = rules.filter((rule) => countsAs(rule) === verdict).map(({ id }) => id)
  const total = formatCounted(rules.length, 'rule')
  if (verdict === 'fail')
    return `${ids.length} of ${total} ${ids.length === 1 ? 'fails' : 'fail'}: ${ids.join(', ')}`
  if (verdict === 'inconclusive') return `${ids.length} of ${total} undecided: ${ids.join(', ')}`
  const waived = rules.filter((rule) => rule.waived && rule.level === 'error').length
  const warnings = rules.filter((rule) => rule.level === 'warn' && rule.verdict !== 'pass').length
  const isToothless = rules.every((rule) => rule.level === 'warn')
  const notes = [
    waived > 0 && `${waived} waived`,
    warnings > 0 && formatCounted(warnings, 'warning'),
    isToothless && 'no rule is at level error, so nothing could fail',
  ].filter(Boolean)
  const note = notes.length > 0 ? `; ${notes.join('; ')}` : ''
  return `${total}, none against it${note}`
}

function checkRules(given: readonly GateRule[]): readonly GateRule[] {
  const rules = check(z.array(gateRuleSchema), given, 'gate.rules')
  const ids = new Set<string>()
  for (const [i, { id }] of rules.entries()) {
    if (ids.has(id))
      throw new GauntletError('GNT_CONFIG', {
        what: 'two rules of one id',
        where: `gate.rules[${i}].id`,
        got: JSON.stringify(id),
        fix: 'give each rule its own id',
      })
    ids.add(id)
  }
  return rules
}

function check<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const { path, ...problem } = firstProblem(schema, value, parsed.error)
  throw new GauntletError('GNT_CONFIG', { ...problem, where: `${where}${path}` })
}
