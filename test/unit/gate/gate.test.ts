import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { GauntletError } from '../../../src/errors.js'
import { evaluateGate } from '../../../src/gate/evaluate.js'
import { gateRuleSchema, waiverSchema } from '../../../src/gate/schema.js'
import type { CellResults, GateRule, Waiver } from '../../../src/gate/types.js'
import { exitCodeFor } from '../../../src/gate/verdict.js'
import { cell, samples, version } from './build.js'

const candidate = version('v2', [cell(samples(500, 400, 100))])
const input = { baseline: null, candidate, today: new Date('2026-06-15T12:00:00Z') }

/** 50 % robust: passes a floor of 0.3, fails one of 0.7, cannot decide on 0.51. */
function floor(id: string, min: number, more: object = {}): GateRule {
  return { id, kind: 'floor', metric: 'robustAccuracy', min, ...more }
}
const passing = floor('passing', 0.3)
const failing = floor('failing', 0.7)
const open = floor('open', 0.51)
const blind = floor('blind', 0.3, { scope: { attack: 'cw' } })

function waiver(rule: string, expires = '2026-12-31'): Waiver {
  return { rule, reason: 'known, fixed in v3', expires }
}

describe('the gate', () => {
  it.each([
    { rules: [passing], verdict: 'pass', reason: '1 rule, none against it' },
    { rules: [passing, failing], verdict: 'fail', reason: '1 of 2 rules fails: failing' },
    { rules: [open, failing, blind], verdict: 'fail', reason: '1 of 3 rules fails: failing' },
    { rules: [passing, open], verdict: 'inconclusive', reason: '1 of 2 rules undecided: open' },
    {
      rules: [blind, open],
      verdict: 'inconclusive',
      reason: '2 of 2 rules undecided: blind, open',
    },
    { rules: [], verdict: 'inconclusive', reason: 'the gate has no rules' },
    {
      rules: [{ ...passing, level: 'off' } as GateRule],
      verdict: 'inconclusive',
      reason: 'all rules of the gate are off',
    },
    {
      rules: [passing, { ...failing, level: 'warn' } as GateRule],
      verdict: 'pass',
      reason: '2 rules, none against it; 1 warning',
    },
    {
      rules: [passing, { ...blind, level: 'warn' } as GateRule],
      verdict: 'pass',
      reason: '2 rules, none against it; 1 warning',
    },
    {
      rules: [{ ...failing, level: 'warn' } as GateRule],
      verdict: 'pass',
      reason:
        '1 rule, none against it; 1 warning; no rule is at level error, so nothing could fail',
    },
    {
      rules: [passing, { ...failing, level: 'off' } as GateRule],
      verdict: 'pass',
      reason: '1 rule, none against it',
    },
  ])('$verdict: $reason', ({ rules, verdict, reason }) => {
    expect(evaluateGate({ ...input, rules })).toMatchObject({
      verdict,
      reason,
      baseline: null,
      candidate: 'v2',
    })
  })

  it('shows warnings with their verdict, and leaves out what is off', () => {
    const rules = [
      { ...failing, level: 'warn' } as GateRule,
      passing,
      { ...open, level: 'off' } as GateRule,
    ]
    expect(evaluateGate({ ...input, rules }).rules).toMatchObject([
      { id: 'failing', level: 'warn', verdict: 'fail' },
      { id: 'passing', level: 'error', verdict: 'pass' },
    ])
  })

  it.each([
    ['pass', 0],
    ['fail', 10],
    ['inconclusive', 11],
  ] as const)('%s ends with %d', (verdict, code) => {
    expect(exitCodeFor(verdict)).toBe(code)
  })
})

describe('waivers', () => {
  it('keep a failing rule from deciding, and are shown', () => {
    const gate = evaluateGate({ ...input, rules: [passing, failing], waivers: [waiver('failing')] })
    expect(gate).toMatchObject({
      verdict: 'pass',
      reason: '2 rules, none against it; 1 waived',
      rules: [
        { id: 'passing', verdict: 'pass' },
        {
          id: 'failing',
          verdict: 'fail',
          waived: { reason: 'known, fixed in v3', expires: '2026-12-31' },
        },
      ],
    })
    expect(gate.rules[0]).not.toHaveProperty('waived')
  })

  it('cover a rule that has too few samples to decide', () => {
    const gate = evaluateGate({ ...input, rules: [open], waivers: [waiver('open')] })
    expect(gate.verdict).toBe('pass')
    expect(gate.rules[0]).toMatchObject({ verdict: 'inconclusive', waived: {} })
  })

  it('do not cover missing results', () => {
    const gate = evaluateGate({ ...input, rules: [blind], waivers: [waiver('blind')] })
    expect(gate.verdict).toBe('inconclusive')
    expect(gate.rules[0]?.reason).toMatch(/; its waiver does not cover missing results$/)
    expect(gate.rules[0]).not.toHaveProperty('waived')
  })

  it('do not cover missing results beside a failure', () => {
    const cells: CellResults[] = [
      cell(samples(500, 500), { epsilon: 4 / 255 }),
      cell(samples(500, 500), { complete: false }),
    ]
    const rules = [failing]
    const both = { ...input, rules, candidate: version('v2', cells) }
    expect(evaluateGate(both).verdict).toBe('fail')
    expect(evaluateGate({ ...both, waivers: [waiver('failing')] }).verdict).toBe('inconclusive')
  })

  it.each([
    ['2026-06-15T23:59:59Z', 'pass'],
    ['2026-06-16T00:00:00Z', 'fail'],
    ['2026-06-16T01:00:00+02:00', 'pass'],
  ])('hold to the end of their day, UTC: at %s the gate says %s', (today, verdict) => {
    const gate = evaluateGate({
      ...input,
      rules: [failing],
      waivers: [waiver('failing', '2026-06-15')],
      today: new Date(today),
    })
    expect(gate.verdict).toBe(verdict)
  })

  it('that expired are ignored, and that is said', () => {
    const waivers = [waiver('failing', '2026-06-14')]
    const gate = evaluateGate({ ...input, rules: [failing], waivers })
    expect(gate.verdict).toBe('fail')
    expect(gate.rules[0]?.reason).toMatch(
      /; its waiver expired on 2026-06-14 \(known, fixed in v3\)$/,
    )
    expect(gate.rules[0]).not.toHaveProperty('waived')
  })

  it('may be renewed beside an expired one', () => {
    const waivers = [waiver('failing', '2026-06-14'), waiver('failing', '2026-07-01')]
    expect(evaluateGate({ ...input, rules: [failing], waivers }).verdict).toBe('pass')
    expect(
      evaluateGate({ ...input, rules: [failing], waivers: waivers.toReversed() }).verdict,
    ).toBe('pass')
  })

  it('hold against the present day when none is given', () => {
    const { today: _, ...now } = input
    const waivers = [waiver('failing', '2020-01-01')]
    expect(evaluateGate({ ...now, rules: [failing], waivers }).verdict).toBe('fail')
    const longer = [waiver('failing', '2999-01-01')]
    expect(evaluateGate({ ...now, rules: [failing], waivers: longer }).verdict).toBe('pass')
  })
})

describe('a wrong gate is a configuration error', () => {
  const valid = { ...passing } as Record<string, unknown>
  it.each([
    {
      label: 'two rules of one id',
      rules: [passing, floor('passing', 0.4)],
      message: /two rules of one id \(gate\.rules\[1\]\.id\): got "passing"/,
    },
    {
      label: 'a waiver for no rule',
      waivers: [waiver('nobody')],
      message:
        /waiver for a rule that the gate does not have \(gate\.waivers\[0\]\.rule\): got "nobody", expected one of passing/,
    },
    { label: 'a misspelt waiver', waivers: [waiver('pasing')], message: /did you mean passing\?/ },
    {
      label: 'a waiver without rules',
      rules: [],
      waivers: [waiver('x')],
      message: /remove the waiver/,
    },
    {
      label: 'a waiver without a reason',
      waivers: [{ ...waiver('passing'), reason: ' ' }],
      message: /gate\.waivers\[0\]\.reason.*a reason in words/,
    },
    {
      label: 'a waiver without a real date',
      waivers: [waiver('passing', '2026-02-30')],
      message: /gate\.waivers\[0\]\.expires.*2026-12-31/,
    },
    {
      label: 'a limit of nothing',
      rules: [{ ...valid, min: 0 }],
      message: /gate\.rules\[0\]\.min.*above 0/,
    },
    {
      label: 'a limit in per cent',
      rules: [{ ...valid, min: 60 }],
      message: /gate\.rules\[0\]\.min.*at most 1/,
    },
    {
      label: 'a limit that is no number',
      rules: [{ ...valid, min: Number.NaN }],
      message: /gate\.rules\[0\]\.min/,
    },
    {
      label: 'an unknown key',
      rules: [{ ...valid, minn: 1 }],
      message: /unknown key .*minn.*did you mean min\?/,
    },
    {
      label: 'an unknown key in the scope',
      rules: [{ ...valid, scope: { eps: 1 } }],
      message: /unknown key .*scope\.eps/,
    },
    {
      label: 'an unknown kind',
      rules: [{ ...valid, kind: 'flor' }],
      message: /floor, non-inferiority, required-attacks/,
    },
    {
      label: 'a confidence of one half',
      rules: [{ ...valid, confidence: 0.5 }],
      message: /confidence.*above 0\.5/,
    },
    {
      label: 'no attack required',
      rules: [{ id: 'a', kind: 'required-attacks', attacks: [] }],
      message: /attacks.*at least 1/,
    },
    {
      label: 'an epsilon that is none',
      rules: [{ ...valid, scope: { epsilon: 'eight' } }],
      message: /scope\.epsilon.*8\/255/,
    },
    {
      label: 'a margin of zero',
      rules: [{ id: 'a', kind: 'non-inferiority', metric: 'cleanAccuracy', margin: 0 }],
      message: /margin.*above 0/,
    },
  ])('$label', ({ rules = [passing], waivers = [], message }) => {
    const call = (): unknown => evaluateGate({ ...input, rules: rules as GateRule[], waivers })
    expect(call).toThrow(GauntletError)
    expect(call).toThrow(message)
    expect(call).toThrow(expect.objectContaining({ code: 'GNT_CONFIG' }))
  })
})

describe('schemas', () => {
  it('read an epsilon as a fraction', () => {
    const scope = { scope: { epsilon: '8/255' } }
    expect(gateRuleSchema.parse({ ...passing, ...scope })).toMatchObject({
      scope: { epsilon: 8 / 255 },
    })
  })

  it('describe every field in JSON Schema', () => {
    for (const schema of [gateRuleSchema, waiverSchema]) {
      const json = z.toJSONSchema(schema, { io: 'input' })
      const variants = json.oneOf ?? json.anyOf ?? [json]
      expect(variants.length).toBeGreaterThan(0)
      for (const variant of variants) {
        expect(variant.additionalProperties).toBe(false)
        for (const [name, field] of Object.entries(variant.properties ?? {}))
          if (name !== 'kind') expect(field).toHaveProperty('description')
      }
    }
  })
})

describe('a gate over an evaluation that is not valid', () => {
  const doubts = ['v2: E5, accuracy 90 % at ε = range']

  it.each([
    ['what would pass', [passing]],
    ['what would fail', [failing]],
    ['what is waived', [failing]],
    ['no rules', []],
  ])('decides nothing: %s', (label, rules) => {
    const waivers = label === 'what is waived' ? [waiver('failing')] : []
    const result = evaluateGate({ ...input, rules, waivers, doubts })
    expect(result.verdict).toBe('inconclusive')
    expect(exitCodeFor(result.verdict)).toBe(11)
    expect(result.reason).toBe('the evaluation is not valid: v2: E5, accuracy 90 % at ε = range')
    expect(result.rules[0]).toMatchObject({ kind: 'self-audit', verdict: 'inconclusive' })
    expect(result.rules).toHaveLength(rules.length + 1)
  })

  it('is as ever without a doubt', () => {
    expect(evaluateGate({ ...input, rules: [passing], doubts: [] }).verdict).toBe('pass')
  })
})
