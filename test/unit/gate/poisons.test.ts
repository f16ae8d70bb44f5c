import { describe, expect, it } from 'vitest'
import { evaluateGate } from '../../../src/gate/evaluate.js'
import type {
  BackdoorAudit,
  GateRule,
  PoisonResults,
  RuleResult,
  TrialOutcome,
  Verdict,
  VersionResults,
} from '../../../src/gate/types.js'
import { createRng } from '../../../src/util/rng.js'
import { version } from './build.js'

const rate = { value: 0.05, of: 'dataset' } as const

/** One trial per share; `filtered`: what is left after a filter. */
function poisoned(
  shares: readonly number[],
  more: Partial<PoisonResults> & {
    readonly losses?: readonly (number | null)[]
    readonly filtered?: TrialOutcome['filtered']
  } = {},
): PoisonResults {
  const { losses, filtered = {}, ...rest } = more
  return {
    poison: 'badnets',
    label: 'BadNets 3×3',
    rate,
    digest: 'same',
    planned: shares.length,
    doubts: [],
    trials: shares.map((attackSuccess, i) => ({
      trial: `trial ${i}`,
      poisoned: { attackSuccess, cleanLoss: losses ? losses[i]! : 0.001 * i },
      filtered,
    })),
    ...rest,
  }
}

const times = (n: number, share: number): number[] => Array.from({ length: n }, () => share)

const of = (name: string, ...poisons: PoisonResults[]): VersionResults =>
  version(name, [], { poisons })

function only(
  rule: GateRule,
  candidate: VersionResults,
  baseline: VersionResults | null = null,
): RuleResult {
  const gate = evaluateGate({ rules: [rule], baseline, candidate })
  expect(gate.rules).toHaveLength(1)
  expect(gate.verdict).toBe(gate.rules[0]!.verdict)
  return gate.rules[0]!
}

interface Case {
  readonly label: string
  readonly rule: GateRule
  readonly candidate: VersionResults
  readonly baseline?: VersionResults
  readonly verdict: Verdict
  readonly reason: RegExp
}

const ceiling = { id: 'c', kind: 'ceiling', metric: 'attackSuccess', max: 0.4 } as const
const filter = 'spectral'

const ceilings: readonly Case[] = [
  {
    label: 'ten trials near 0 have an upper end of 33 %',
    rule: ceiling,
    candidate: of('v2', poisoned(times(10, 0.002))),
    verdict: 'pass',
    reason:
      /^attack success of BadNets 3×3 at 5 % of the data set: 0\.2 % \(95 % CI 0\.\d+ to 3\d\.\d, 10 trials\); allowed at most 40 %$/,
  },
  {
    label: 'the same ten trials are not enough for a lower limit',
    rule: { ...ceiling, max: 0.1 },
    candidate: of('v2', poisoned(times(10, 0))),
    verdict: 'inconclusive',
    reason: /undecided, because the interval holds the limit; about 3\d trials would decide/,
  },
  {
    label: 'ten trials that all succeed',
    rule: ceiling,
    candidate: of('v2', poisoned(times(10, 0.99))),
    verdict: 'fail',
    reason: /99\.0 % .*allowed at most 40 %$/,
  },
  {
    label: 'one poison of two fails: the worst speaks',
    rule: ceiling,
    candidate: of(
      'v2',
      poisoned(times(10, 0)),
      poisoned(times(10, 1), { poison: 'blended', label: 'Blended' }),
    ),
    verdict: 'fail',
    reason:
      /^attack success of Blended .*worst of 2 poison and rate pairs, of the others 1 passes$/,
  },
  {
    label: 'the scope leaves out the other poison',
    rule: { ...ceiling, scope: { poison: 'badnets' } },
    candidate: of(
      'v2',
      poisoned(times(10, 0)),
      poisoned(times(10, 1), { poison: 'blended', label: 'Blended' }),
    ),
    verdict: 'pass',
    reason: /BadNets/,
  },
  {
    label: 'the scope leaves out other rates; a share of another denominator is another rate',
    rule: { ...ceiling, scope: { rate: { value: 0.05, of: 'targetClass' } } },
    candidate: of('v2', poisoned(times(10, 0))),
    verdict: 'inconclusive',
    reason: /no result matches this rule \(5 % of the target class\); check its scope/,
  },
  {
    label: 'no poison at all',
    rule: ceiling,
    candidate: version('v2', []),
    verdict: 'inconclusive',
    reason: /no result matches this rule \(any poison\)/,
  },
  {
    label: 'successful trials: 4 of 10 at the threshold',
    rule: { ...ceiling, metric: 'successfulTrials', max: 0.75 },
    candidate: of('v2', poisoned([...times(4, 0.5), ...times(6, 0.49)])),
    verdict: 'pass',
    reason:
      /successful trials \(at least 50 %\) of .*: 40\.0 % \(95 % CI 12\.2 to 73\.8, 10 trials\)/,
  },
  {
    label: 'a threshold of its own',
    rule: { ...ceiling, metric: 'successfulTrials', max: 0.3, threshold: 0.2 },
    candidate: of('v2', poisoned(times(10, 0.25))),
    verdict: 'fail',
    reason: /successful trials \(at least 20 %\) of .*: 100\.0 %/,
  },
  {
    label: 'clean loss within',
    rule: { ...ceiling, metric: 'cleanLoss', max: 0.02 },
    candidate: of('v2', poisoned(times(3, 1), { losses: [0.004, 0.006, 0.005] })),
    verdict: 'pass',
    reason:
      /^clean accuracy lost of .*: \+0\.5 pp \(95 % CI \+0\.3 to \+0\.7, 3 trials\); allowed at most 2 pp$/,
  },
  {
    label: 'clean loss beyond',
    rule: { ...ceiling, metric: 'cleanLoss', max: 0.02 },
    candidate: of('v2', poisoned(times(3, 1), { losses: [0.05, 0.052, 0.048] })),
    verdict: 'fail',
    reason: /\+5\.0 pp/,
  },
  {
    label: 'clean loss of one trial',
    rule: { ...ceiling, metric: 'cleanLoss', max: 0.02 },
    candidate: of('v2', poisoned([1])),
    verdict: 'inconclusive',
    reason: /no verdict, one trial has no interval/,
  },
  {
    label: 'no clean arm',
    rule: { ...ceiling, metric: 'cleanLoss', max: 0.02 },
    candidate: of('v2', poisoned([1, 1], { losses: [0, null] })),
    verdict: 'inconclusive',
    reason: /no clean arm/,
  },
  {
    label: 'after a filter',
    rule: { ...ceiling, filter },
    candidate: of(
      'v2',
      poisoned(times(10, 1), { filtered: { [filter]: { attackSuccess: 0, cleanLoss: 0 } } }),
    ),
    verdict: 'pass',
    reason: /at 5 % of the data set after spectral: 0\.0 %/,
  },
  {
    label: 'a filter that did not run',
    rule: { ...ceiling, filter },
    candidate: of('v2', poisoned(times(10, 0))),
    verdict: 'inconclusive',
    reason: /a trial on v2 was not filtered by spectral/,
  },
  {
    label: 'a failed trial',
    rule: ceiling,
    candidate: of('v2', poisoned(times(9, 0), { planned: 10 })),
    verdict: 'inconclusive',
    reason: /no verdict, 9 of 10 trials done on v2/,
  },
  {
    label: 'no trial at all',
    rule: ceiling,
    candidate: of('v2', poisoned([], { planned: 10 })),
    verdict: 'inconclusive',
    reason: /v2 has no trial of it/,
  },
  {
    label: 'no poisoned arm',
    rule: ceiling,
    candidate: of('v2', poisoned([0], { trials: [{ trial: 'a', filtered: {} }] })),
    verdict: 'inconclusive',
    reason: /has no poisoned arm/,
  },
  {
    label: 'a trial that attacked no sample',
    rule: ceiling,
    candidate: of('v2', poisoned([0, Number.NaN])),
    verdict: 'inconclusive',
    reason: /attacked no sample/,
  },
  {
    label: 'a trial twice',
    rule: ceiling,
    candidate: of('v2', {
      ...poisoned([0, 0]),
      trials: [...poisoned([0]).trials, ...poisoned([0]).trials],
    }),
    verdict: 'inconclusive',
    reason: /holds the trial trial 0 twice/,
  },
  {
    label: 'a signal that voids the measurement',
    rule: ceiling,
    candidate: of('v2', poisoned(times(10, 0), { doubts: [{ text: 'B1, nothing implanted' }] })),
    verdict: 'inconclusive',
    reason: /the measurement on v2 is not valid: B1, nothing implanted/,
  },
  {
    label: 'a signal about a filter does not touch what was not filtered',
    rule: ceiling,
    candidate: of('v2', poisoned(times(10, 0), { doubts: [{ text: 'B5', filter }] })),
    verdict: 'pass',
    reason: /0\.0 %/,
  },
  {
    label: 'a signal about the filter of the rule',
    rule: { ...ceiling, filter },
    candidate: of(
      'v2',
      poisoned(times(10, 1), {
        doubts: [{ text: 'B5, false alarms', filter }],
        filtered: { [filter]: { attackSuccess: 0, cleanLoss: 0 } },
      }),
    ),
    verdict: 'inconclusive',
    reason: /not valid: B5, false alarms/,
  },
]

const regression = {
  id: 'r',
  kind: 'poison-regression',
  metric: 'attackSuccess',
  margin: 0.25,
} as const

const rng = createRng('shares')
const jitter = times(12, 0).map(() => 0.02 * rng.uniform())

const regressions: readonly Case[] = [
  {
    label: 'both alike over twelve trials',
    rule: regression,
    baseline: of('v1', poisoned(times(12, 0.01))),
    candidate: of('v2', poisoned(jitter)),
    verdict: 'pass',
    reason:
      /^attack success of BadNets 3×3 at 5 % of the data set: 1\.0 % → \d\.\d %, .*12 trials on both: \d+ more, \d+ less; signed-rank p.*\); tolerated is a rise of 25 pp$/,
  },
  {
    label: 'the candidate falls in every trial, the baseline in none',
    rule: regression,
    baseline: of('v1', poisoned(times(10, 0.01))),
    candidate: of('v2', poisoned(times(10, 0.97))),
    verdict: 'fail',
    reason: /1\.0 % → 97\.0 %, \+96\.0 pp .*10 more, 0 less; signed-rank p = 9\.8e-4/,
  },
  {
    label: 'a rise beyond the margin that four trials cannot prove',
    rule: regression,
    baseline: of('v1', poisoned(times(4, 0))),
    candidate: of('v2', poisoned(times(4, 0.9))),
    verdict: 'inconclusive',
    reason: /p = 0\.063.*undecided, more trials would tell/,
  },
  {
    label: 'a sure rise within the margin does not fail',
    rule: regression,
    baseline: of('v1', poisoned(times(40, 0.01))),
    candidate: of('v2', poisoned(times(40, 0.05))),
    verdict: 'pass',
    reason: /\+4\.0 pp/,
  },
  {
    label: 'fewer trials than the margin needs',
    rule: { ...regression, margin: 0.05 },
    baseline: of('v1', poisoned(times(10, 0))),
    candidate: of('v2', poisoned(times(10, 0))),
    verdict: 'inconclusive',
    reason: /0\.0 pp .*undecided/,
  },
  {
    label: 'successful trials are counted at the threshold',
    rule: { ...regression, metric: 'successfulTrials' },
    baseline: of('v1', poisoned(times(10, 0.45))),
    candidate: of('v2', poisoned(times(10, 0.55))),
    verdict: 'fail',
    reason: /0\.0 % → 100\.0 %/,
  },
  {
    label: 'no baseline',
    rule: regression,
    candidate: of('v2', poisoned(times(10, 0))),
    verdict: 'inconclusive',
    reason: /no verdict, there is no baseline to compare with/,
  },
  {
    label: 'a poison that only the baseline has',
    rule: regression,
    baseline: of('v1', poisoned(times(10, 0))),
    candidate: of('v2', poisoned(times(10, 0), { poison: 'blended', label: 'Blended' })),
    verdict: 'inconclusive',
    reason: /no verdict, v[12] has no trial of it; worst of 2/,
  },
  {
    label: 'other parameters or data',
    rule: regression,
    baseline: of('v1', poisoned(times(10, 0), { digest: 'other' })),
    candidate: of('v2', poisoned(times(10, 0))),
    verdict: 'inconclusive',
    reason: /its parameters or the data differ between v1 and v2/,
  },
  {
    label: 'other trials',
    rule: regression,
    baseline: of('v1', poisoned(times(11, 0))),
    candidate: of('v2', poisoned(times(10, 0))),
    verdict: 'inconclusive',
    reason: /not tried with the same sources, targets and seeds/,
  },
  {
    label: 'a doubt about the baseline',
    rule: regression,
    baseline: of('v1', poisoned(times(10, 0), { doubts: [{ text: 'B12, never fed' }] })),
    candidate: of('v2', poisoned(times(10, 0))),
    verdict: 'inconclusive',
    reason: /the measurement on v1 is not valid: B12/,
  },
]

const required = { id: 'q', kind: 'required-poisons', poisons: ['badnets'] } as const

const requirements: readonly Case[] = [
  {
    label: 'ten trials',
    rule: required,
    candidate: of('v2', poisoned(times(10, 0))),
    verdict: 'pass',
    reason: /^badnets tried in at least 10 trials at 5 % of the data set$/,
  },
  {
    label: 'nine trials',
    rule: required,
    candidate: of('v2', poisoned(times(9, 0))),
    verdict: 'inconclusive',
    reason: /has 9 trials on v2, 10 are required/,
  },
  {
    label: 'fewer are enough if the rule says so',
    rule: { ...required, trials: 3 },
    candidate: of('v2', poisoned(times(3, 0))),
    verdict: 'pass',
    reason: /at least 3 trials/,
  },
  {
    label: 'another poison, by label',
    rule: { ...required, poisons: ['BadNets 3×3', 'Blended', 'wanet'] },
    candidate: of('v2', poisoned(times(10, 0))),
    verdict: 'inconclusive',
    reason: /Blended was not tried on v2; 1 more gap like it/,
  },
  {
    label: 'an unfinished rate',
    rule: required,
    candidate: of(
      'v2',
      poisoned(times(10, 0)),
      poisoned(times(5, 0), { rate: { value: 0.01, of: 'dataset' }, planned: 10 }),
    ),
    verdict: 'inconclusive',
    reason: /1 % of the data set: 5 of 10 trials done/,
  },
  {
    label: 'not implanted',
    rule: required,
    candidate: of('v2', poisoned(times(10, 0), { doubts: [{ text: 'B1, no evidence' }] })),
    verdict: 'inconclusive',
    reason: /B1, no evidence/,
  },
]

const backdoor = { id: 'b', kind: 'backdoor-audit' } as const
const audited = (name: string, flagged: number[], doubts: string[] = []): VersionResults =>
  version(name, [], { audit: { classes: 10, flagged, doubts } satisfies BackdoorAudit })

const audits: readonly Case[] = [
  {
    label: 'nothing flagged',
    rule: backdoor,
    candidate: audited('v2', []),
    verdict: 'pass',
    reason: /^backdoor audit: none of 10 classes of v2 is reached by a small trigger$/,
  },
  {
    label: 'a class flagged',
    rule: backdoor,
    candidate: audited('v2', [7]),
    verdict: 'fail',
    reason: /a small trigger reaches class 7 of v2, of 10$/,
  },
  {
    label: 'no audit',
    rule: backdoor,
    candidate: version('v2', []),
    verdict: 'inconclusive',
    reason: /the file of v2 was not examined/,
  },
  {
    label: 'an audit that is not valid, though it flags nothing',
    rule: backdoor,
    candidate: audited('v2', [], ['B10, classes differ between seeds']),
    verdict: 'inconclusive',
    reason: /not valid: B10/,
  },
  {
    label: 'a class that the baseline has too',
    rule: { ...backdoor, newOnly: true },
    baseline: audited('v1', [7]),
    candidate: audited('v2', [7]),
    verdict: 'pass',
    reason: /newly reached by a small trigger; class 7 flagged on v1 too/,
  },
  {
    label: 'a class that became reachable',
    rule: { ...backdoor, newOnly: true },
    baseline: audited('v1', [7]),
    candidate: audited('v2', [3, 7]),
    verdict: 'fail',
    reason: /reaches class 3 of v2, of 10, and did not on v1; class 7 flagged on v1 too/,
  },
  {
    label: 'the baseline counts nothing unless asked',
    rule: backdoor,
    baseline: audited('v1', [7]),
    candidate: audited('v2', [7]),
    verdict: 'fail',
    reason: /class 7/,
  },
  {
    label: 'no audit of the baseline',
    rule: { ...backdoor, newOnly: true },
    baseline: version('v1', []),
    candidate: audited('v2', []),
    verdict: 'inconclusive',
    reason: /no audit of v1 to compare with/,
  },
]

describe.each([
  ['ceiling', ceilings],
  ['poison-regression', regressions],
  ['required-poisons', requirements],
  ['backdoor-audit', audits],
] as const)('%s', (_, cases) => {
  it.each(cases)('$label: $verdict', ({ rule, candidate, baseline, verdict, reason }) => {
    const result = only(rule, candidate, baseline)
    expect(result.reason).toMatch(reason)
    expect(result.verdict).toBe(verdict)
  })
})

describe('rules about poisons', () => {
  it('correct their tests together with all others of the gate', () => {
    const baseline = of('v1', poisoned(times(6, 0)))
    const candidate = of('v2', poisoned(times(6, 0.9)))
    const alone = only(regression, candidate, baseline)
    expect(alone).toMatchObject({ verdict: 'fail', pAdjusted: 1 / 64 })
    const rules = ['a', 'b', 'c', 'd'].map((id): GateRule => ({ ...regression, id }))
    const together = evaluateGate({ rules, baseline, candidate })
    expect(together.verdict).toBe('inconclusive')
    expect(together.rules[0]).toMatchObject({ pAdjusted: 4 / 64 })
    expect(together.rules[0]!.reason).toContain('after Holm over 4 tests')
  })

  it('give their numbers to machines', () => {
    const baseline = of('v1', poisoned(times(10, 0.01)))
    const candidate = of('v2', poisoned(times(10, 0.97)))
    expect(only(regression, candidate, baseline)).toMatchObject({
      mean: { trials: 10 },
      change: { more: 10, fewer: 0 },
    })
    expect(only(ceiling, candidate).mean?.estimate).toBeCloseTo(0.97, 12)
  })

  it.each([
    { kind: 'ceiling', id: 'c', metric: 'attackSuccess', max: 5 },
    { kind: 'ceiling', id: 'c', metric: 'attackSuccess', max: 0.5, scope: { norm: 'linf' } },
    { kind: 'ceiling', id: 'c', metric: 'attackSuccess', max: 0.5, scope: { rate: 0.05 } },
    { kind: 'poison-regression', id: 'c', metric: 'cleanLoss', margin: 0.1 },
    { kind: 'required-poisons', id: 'c', poisons: [] },
  ])('are refused where they make no sense: %j', (rule) => {
    expect(() => only(rule as never, of('v2'))).toThrow(/gate\.rules/)
  })
})
