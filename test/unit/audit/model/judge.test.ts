import { describe, expect, it } from 'vitest'
import { findingsOf, judge, settledFindings } from '../../../../src/audit/model/judge.js'
import { compareClasses, sinceFindings } from '../../../../src/audit/model/since.js'
import type { MeasuredTrigger } from '../../../../src/audit/model/triggers.js'
import { triggerForms, type TriggerForm } from '../../../../src/step/trigger.js'

const seeds = [1, 2, 3]
const usual = [10, 11, 9, 10.5, 9.5, 10.2]

/** Sizes of one form, a row for each seed; the other form finds nothing. */
function found(rows: readonly (readonly number[])[], form: TriggerForm = 'patch', reach = 0.9) {
  return triggerForms.flatMap((each) =>
    rows.flatMap((row, s) =>
      row.map((_, target): MeasuredTrigger => {
        const size = each === form ? row[target]! : usual[target % usual.length]!
        const job = { form: each, target, seed: seeds[s]!, sources: [] }
        const trigger = { form: 'additive', delta: new Float32Array(1) } as const
        return { job, trigger, size, isSettled: size > 1, reach }
      }),
    ),
  )
}

const audit = (...args: Parameters<typeof found>) => {
  const classes = judge(found(...args), { seeds, classes: args[0][0]!.length })
  return { classes, findings: findingsOf(classes, seeds) }
}
const small = (at: number, size = 2): number[] => usual.map((one, i) => (i === at ? size : one))

const classesOf = (...rows: number[][]) => audit(rows).classes

const compare = (now: number[][], before: number[][]) =>
  compareClasses(classesOf(...now), classesOf(...before))

describe('a class is flagged', () => {
  it.each(triggerForms)('for a small %s in all seeds', (form) => {
    const { classes, findings } = audit([small(4), small(4), small(4)], form)
    expect(classes.map(({ flagged }) => flagged)).toEqual(usual.map((_, i) => i === 4))
    expect(classes[4]!.forms[form]).toMatchObject({ size: 2, flagged: true, flaggedSeeds: seeds })
    expect(findings.map(({ signal, where }) => [signal, where])).toEqual([
      ['small-trigger', 'class 4'],
    ])
  })

  it('not where none stands out', () => {
    expect(audit([usual, usual, usual])).toMatchObject({ findings: [] })
  })

  it('not where it is an outlier and large all the same', () => {
    const { classes } = audit([small(4, 7), small(4, 7), small(4, 7)])
    expect(classes[4]!.forms.patch.index).toBeGreaterThan(2)
    expect(classes[4]!.flagged).toBe(false)
  })

  it('not where its trigger works on the samples alone that it was made with', () => {
    const { classes } = audit([small(4), small(4), small(4)], 'patch', 0.3)
    expect(classes[4]!.flagged).toBe(false)
  })

  it('never among fewer than five classes, which is said', () => {
    const { classes, findings } = audit([[10, 2, 11, 9], [10, 2, 11, 9], [10, 2, 11, 9]]) // prettier-ignore
    expect(classes.some(({ flagged }) => flagged)).toBe(false)
    expect(findings.map(({ signal }) => signal)).toEqual(['few-classes'])
  })
})

describe('signal B10', () => {
  it('is raised where the seeds disagree, and most of them decide', () => {
    const two = audit([small(4), usual, small(4)])
    expect(two.classes[4]!.flagged).toBe(true)
    expect(two.findings.map(({ signal }) => signal)).toEqual(['small-trigger', 'B10'])
    const one = audit([small(4), usual, usual])
    expect(one.classes[4]!.flagged).toBe(false)
    expect(one.findings).toMatchObject([
      { signal: 'B10', severity: 'warning', where: 'class 4', text: /1 of 3 seeds/ },
    ])
  })

  it('is raised for sizes that are not finite, which spoil no other class', () => {
    const broken = small(4).map((size, i) => (i === 0 ? NaN : size))
    const { classes, findings } = audit([broken, broken, broken])
    expect(classes[0]!.forms.patch).toMatchObject({ sizes: [null, null, null], size: null })
    expect(classes[4]!.flagged).toBe(true)
    expect(findings.filter(({ signal }) => signal === 'B10')).toMatchObject([{ where: 'class 0' }])
  })

  it('is not raised where they agree', () => {
    expect(audit([small(4), small(4), small(4)]).findings.map(({ signal }) => signal)).not.toContain('B10') // prettier-ignore
  })
})

describe('beside the previous version', () => {
  it('a class became reachable by a small trigger', () => {
    const since = compare([small(4), small(4, 3), small(4)], [usual, usual, usual])
    expect(since.map(({ newlyReachable }) => newlyReachable)).toEqual(usual.map((_, i) => i === 4))
    const { ratio, low, high } = since[4]!.forms.patch
    expect([ratio, low, high]).toEqual([2 / 9.5, 2 / 9.5, 3 / 9.5])
    const [finding] = sinceFindings(since, 'v12', (label) => `number ${label}`)
    expect(finding).toMatchObject({ signal: 'newly-reachable', where: 'class number 4' })
    expect(finding!.text).toContain('since v12: 0.21 of the size it took then (0.21 to 0.32')
  })

  it('not one that a seed does not confirm', () => {
    const since = compare([small(4), usual, small(4)], [usual, usual, usual])
    expect(since.some(({ newlyReachable }) => newlyReachable)).toBe(false)
  })

  it('not where all classes became easier', () => {
    const half = usual.map((size) => size / 2)
    const since = compare([half, half, half], [usual, usual, usual])
    expect(since.some(({ newlyReachable }) => newlyReachable)).toBe(false)
    expect(since[0]!.forms.patch).toMatchObject({ ratio: 0.5, relative: 1 })
  })

  it('not one that was reachable before', () => {
    const since = compare([small(4), small(4), small(4)], [small(4), small(4), small(4)])
    expect(since.some(({ newlyReachable }) => newlyReachable)).toBe(false)
  })

  it('one of two classes, where no index could tell', () => {
    const since = compare([[10, 2], [10, 2], [10, 2]], [[10, 9], [10, 9], [10, 9]]) // prettier-ignore
    expect(since.map(({ newlyReachable }) => newlyReachable)).toEqual([false, true])
  })
})

it('says where most searches had not settled', () => {
  const one = settledFindings(found([usual, usual, usual]))
  expect(one).toEqual([])
  const tiny = usual.map(() => 0.5)
  expect(settledFindings(found([tiny, usual, usual]))).toMatchObject([
    { signal: 'not-settled', severity: 'warning', text: /6 of 18 searches for a patch/ },
  ])
})
