import { describe, expect, it } from 'vitest'
import type { Outcome } from '../../../src/plan/task.js'
import { averaged } from '../../../src/trust/results/averaged.js'
import type { ResultCell } from '../../../src/trust/results/types.js'
import type { Severity } from '../../../src/trust/types.js'
import { cell, findingsOf, type Case } from './build.js'

const to7 = { kind: 'targeted', target: 7 } as const
const toNext = { kind: 'targeted', target: 'next' } as const
const on = <T extends object>(sample: number, change: T) =>
  ({
    edit: (outcome) => (outcome.sample === sample ? { ...outcome, ...change } : outcome),
  }) satisfies Parameters<typeof cell>[1]

/** One attack under four radii, breaking so many. */
const curve = (attack: string, ...broken: number[]) =>
  broken.map((count, i) => cell(attack, { broken: count, epsilon: (i + 1) / 255 }))

interface Row {
  readonly signal: string
  readonly label: string
  readonly given: Case
  /** What is raised; none: the signal stays silent. */
  readonly raised?: Severity
}

const rows: readonly Row[] = [
  {
    signal: 'P15',
    label: '499 samples',
    given: [cell('pgd', { samples: 499 })],
    raised: 'warning',
  },
  { signal: 'P15', label: '500 samples', given: [cell('pgd', { samples: 500 })] },
  {
    signal: 'P15',
    label: '1,000 samples reach 3.1 pp, tolerated are 3',
    given: { cells: [cell('pgd', { broken: 500 })], tolerance: 0.03 },
    raised: 'warning',
  },
  {
    signal: 'P15',
    label: '1,000 samples reach 3.1 pp, tolerated are 3.2',
    given: { cells: [cell('pgd', { broken: 500 })], tolerance: 0.032 },
  },
  {
    signal: 'P15',
    label: 'an interrupted run is not called short',
    given: [cell('pgd', { samples: 64, complete: false })],
  },

  {
    signal: 'E1',
    label: 'FGSM breaks 16 that PGD does not',
    given: [cell('fgsm', { broken: [284, 400] }), cell('pgd', { broken: [300, 600] })],
    raised: 'error',
  },
  {
    signal: 'E1',
    label: 'FGSM breaks 15 more: not surely above the tolerance',
    given: [cell('fgsm', { broken: 15 }), cell('pgd', { broken: [15, 600] })],
    raised: 'warning',
  },
  {
    signal: 'E1',
    label: '10 of 1,000 are strays',
    given: [cell('fgsm', { broken: 10 }), cell('pgd', { broken: [10, 600] })],
  },
  {
    signal: 'E1',
    label: 'ahead altogether, by five to none',
    given: [cell('fgsm', { broken: 105 }), cell('pgd', { broken: 100 })],
    raised: 'warning',
  },
  {
    signal: 'E1',
    label: 'ahead by four to none: chance',
    given: [cell('fgsm', { broken: 104 }), cell('pgd', { broken: 100 })],
  },
  {
    signal: 'E1',
    label: 'one of few samples is a stray',
    given: [cell('fgsm', { broken: 1, samples: 20 }), cell('pgd', { broken: [1, 9], samples: 20 })],
  },
  {
    signal: 'E1',
    label: 'a stronger iterative attack closes the gap',
    given: [
      cell('fgsm', { broken: 200 }),
      cell('pgd', { broken: 100 }),
      cell('pgd', { broken: 300, label: 'PGD-margin' }),
    ],
    raised: 'warning',
  },
  {
    signal: 'E1',
    label: 'attacks on two losses miss each something, and nothing together',
    given: [
      cell('fgsm', { broken: 200, params: { loss: 'ce' } }),
      cell('pgd', { broken: 300, params: { loss: 'ce' } }),
      cell('pgd', { broken: [50, 400], params: { loss: 'margin' }, label: 'PGD-margin' }),
    ],
  },
  {
    signal: 'E1',
    label: 'another loss misses 5 %',
    given: [
      cell('fgsm', { broken: 200, params: { loss: 'ce' } }),
      cell('pgd', { broken: [50, 400], params: { loss: 'margin' } }),
    ],
    raised: 'warning',
  },
  {
    signal: 'E1',
    label: 'the same loss misses 5 %',
    given: [
      cell('fgsm', { broken: 200, params: { loss: 'ce' } }),
      cell('pgd', { broken: [50, 400], params: { loss: 'ce' } }),
    ],
    raised: 'error',
  },
  {
    signal: 'E1',
    label: 'another epsilon, norm and goal',
    given: [
      cell('fgsm', { broken: 500 }),
      cell('pgd', { broken: 100, epsilon: 2 / 255 }),
      cell('pgd', { broken: 100, norm: 'l2' }),
      cell('pgd', { broken: 100, goal: toNext }),
    ],
  },
  {
    signal: 'E1',
    label: 'a search for the nearest example may miss what a step finds',
    given: [cell('fgsm', { broken: 500 }), cell('deepfool', { broken: 300 })],
  },
  {
    signal: 'E1',
    label: 'FGSM with restarts and averages is a single step still',
    given: [cell('fgsm', { broken: 500, restarts: 3, eot: 5 }), cell('pgd', { broken: 300 })],
    raised: 'error',
  },

  {
    signal: 'E2',
    label: 'Square breaks a fifth of what PGD leaves',
    given: [cell('pgd', { broken: 500 }), cell('square', { broken: [50, 600] })],
    raised: 'error',
  },
  {
    signal: 'E2',
    label: 'Square breaks a tenth of what PGD leaves',
    given: [cell('pgd', { broken: 500 }), cell('square', { broken: [50, 550] })],
    raised: 'warning',
  },
  {
    signal: 'E2',
    label: 'Square is ahead by 0.3 pp',
    given: [cell('pgd', { broken: 500 }), cell('square', { broken: 503 })],
    raised: 'warning',
  },
  {
    signal: 'E2',
    label: 'Square is ahead by 0.2 pp',
    given: [cell('pgd', { broken: 500 }), cell('square', { broken: 502 })],
  },
  {
    signal: 'E2',
    label: 'Square breaks 1 % more, and far less altogether',
    given: [cell('pgd', { broken: 500 }), cell('square', { broken: [400, 510] })],
  },
  {
    signal: 'E2',
    label: 'all attacks with gradients together keep up',
    given: [
      cell('pgd', { broken: 300 }),
      cell('deepfool', { broken: [250, 600] }),
      cell('boundary', { broken: 600 }),
    ],
  },
  { signal: 'E2', label: 'nothing to compare with', given: [cell('square', { broken: 600 })] },

  {
    signal: 'E3',
    label: 'noise breaks 3 % of what stands',
    given: [cell('pgd', { broken: 500 }), cell('noise', { broken: [500, 520] })],
    raised: 'error',
  },
  {
    signal: 'E3',
    label: 'noise breaks one',
    given: [cell('pgd', { broken: 500 }), cell('noise', { broken: [499, 501] })],
    raised: 'warning',
  },
  {
    signal: 'E3',
    label: 'noise breaks many of the few that stand: less than the tolerance in all',
    given: [cell('pgd', { broken: 980 }), cell('noise', { broken: [980, 988] })],
    raised: 'warning',
  },
  {
    signal: 'E3',
    label: 'noise breaks what PGD breaks',
    given: [cell('pgd', { broken: 500 }), cell('noise', { broken: 500 })],
  },

  {
    signal: 'E4',
    label: 'transfer breaks a fifth of what PGD leaves',
    given: [cell('pgd', { broken: 500 }), cell('pgd', { broken: [500, 600], surrogate: 'v1' })],
    raised: 'error',
  },
  {
    signal: 'E4',
    label: 'transfer breaks a tenth of what PGD leaves',
    given: [cell('pgd', { broken: 500 }), cell('pgd', { broken: [500, 550], surrogate: 'v1' })],
    raised: 'warning',
  },
  {
    signal: 'E4',
    label: 'transfer breaks 1.2 %',
    given: [cell('pgd', { broken: 500 }), cell('pgd', { broken: [500, 512], surrogate: 'v1' })],
    raised: 'warning',
  },
  {
    signal: 'E4',
    label: 'transfer breaks 1 %',
    given: [cell('pgd', { broken: 500 }), cell('pgd', { broken: [400, 510], surrogate: 'v1' })],
  },
  {
    signal: 'E4',
    label: 'crafted on itself it is no transfer',
    given: [cell('fgsm', { broken: 300 }), cell('pgd', { broken: 500, surrogate: 'v2' })],
  },

  {
    signal: 'E6',
    label: '20 stand again',
    given: curve('pgd', 100, 200, 180, 300),
    raised: 'error',
  },
  {
    signal: 'E6',
    label: '6 stand again',
    given: curve('pgd', 100, 200, 194, 300),
    raised: 'warning',
  },
  { signal: 'E6', label: '4 stand again: chance', given: curve('pgd', 100, 200, 196, 300) },
  { signal: 'E6', label: 'the same everywhere', given: curve('square', 100, 100, 100, 100) },
  {
    signal: 'E6',
    label: 'one attack stands for another in the worst case',
    given: [...curve('pgd', 100, 200, 150, 300), ...curve('square', 100, 200, 250, 300)],
    raised: 'warning',
  },
  {
    signal: 'E6',
    label: 'a single step overshoots',
    given: [...curve('fgsm', 100, 200, 100, 90), ...curve('pgd', 100, 200, 300, 400)],
  },

  {
    signal: 'E9',
    label: 'an example that is not counted',
    given: [cell('pgd', on(3, { adversarialPrediction: 9 }))],
    raised: 'error',
  },
  {
    signal: 'E9',
    label: 'an example beyond epsilon is not to be counted',
    given: [cell('deepfool', on(3, { adversarialPrediction: 9, distance: 0.5 }))],
  },
  {
    signal: 'E9',
    label: 'another class than the target',
    given: [cell('pgd', { goal: to7, ...on(3, { adversarialPrediction: 9 }) })],
  },
  {
    signal: 'E9',
    label: 'the target itself',
    given: [cell('pgd', { goal: to7, ...on(3, { adversarialPrediction: 7 }) })],
    raised: 'error',
  },
  {
    signal: 'E10',
    label: 'counted, and the prediction is right',
    given: [cell('pgd', { broken: 9, ...on(3, { adversarialPrediction: 3 }) })],
    raised: 'error',
  },
  {
    signal: 'E10',
    label: 'counted for another class than the target',
    given: [cell('pgd', { goal: to7, broken: [6, 7], ...on(6, { adversarialPrediction: 5 }) })],
    raised: 'error',
  },
  { signal: 'E10', label: 'counted rightly', given: [cell('pgd', { broken: 9 })] },
  {
    signal: 'E10',
    label: 'a target that is not stored',
    given: [cell('pgd', { goal: toNext, broken: 9 })],
  },
  {
    signal: 'E11',
    label: 'two millionths beyond epsilon',
    given: [cell('pgd', { reach: 1 + 2e-6 })],
    raised: 'error',
  },
  { signal: 'E11', label: 'at epsilon', given: [cell('pgd', { broken: 5, reach: 1 + 5e-7 })] },
  {
    signal: 'E11',
    label: 'no distance',
    given: [cell('pgd', on(0, { distance: NaN }))],
    raised: 'error',
  },
  {
    signal: 'E11',
    label: 'the nearest example is beyond epsilon and not counted',
    given: [cell('deepfool', { reach: 3 })],
  },
  {
    signal: 'E11',
    label: 'the same of an attack that is not known any more',
    given: [cell('forgotten', { reach: 3 })],
  },
  {
    signal: 'E21',
    label: 'broken though wrong before',
    given: [cell('pgd', { wrong: 10, ...on(995, { success: true }) })],
    raised: 'error',
  },
  { signal: 'E21', label: 'wrong before', given: [cell('pgd', { wrong: 10, broken: 995 })] },
  {
    signal: 'E22',
    label: 'other samples',
    given: [cell('fgsm'), cell('pgd', { samples: 900 })],
    raised: 'error',
  },
  {
    signal: 'E22',
    label: 'not finished',
    given: [cell('fgsm'), cell('pgd', { samples: 900, complete: false })],
  },
  {
    signal: 'E22',
    label: 'other samples at another epsilon',
    given: [cell('fgsm'), cell('pgd', { samples: 900, epsilon: 0.1 })],
  },
  {
    signal: 'E26',
    label: 'two clean predictions',
    given: [cell('fgsm'), cell('pgd', on(5, { cleanPrediction: 1 }))],
    raised: 'error',
  },
  {
    signal: 'E26',
    label: 'two labels',
    given: [cell('fgsm'), cell('pgd', on(5, { label: 1, cleanPrediction: 1 }))],
    raised: 'error',
  },
  {
    signal: 'E26',
    label: 'the same clean predictions',
    given: [cell('fgsm', { wrong: 30 }), cell('pgd', { wrong: 30, broken: 100 })],
  },

  {
    signal: 'E12',
    label: 'ended at 0.4 of epsilon',
    given: [cell('pgd', { reach: 0.4, broken: 500 })],
    raised: 'warning',
  },
  { signal: 'E12', label: 'at 0.5', given: [cell('pgd', { reach: 0.5, broken: 500 })] },
  { signal: 'E12', label: 'in L2', given: [cell('pgd', { reach: 0.4, norm: 'l2' })] },
  {
    signal: 'E12',
    label: 'a search for the nearest example',
    given: [cell('deepfool', { reach: 0.4 })],
  },
  { signal: 'E12', label: 'hardly one stands', given: [cell('pgd', { reach: 0.1, broken: 990 })] },
  {
    signal: 'E12',
    label: 'wrong before, or of the target class: not attacked',
    given: [
      cell('pgd', { wrong: 600, reach: 0.4, broken: 400 }),
      cell('pgd', {
        goal: to7,
        edit: (one) => (one.label === 7 ? { ...one, distance: 0 } : { ...one, success: true }),
      }),
    ],
  },

  {
    signal: 'E13',
    label: 'nine steps of a tenth',
    given: [cell('pgd', { params: { steps: 9, relStepSize: 0.1 } })],
    raised: 'warning',
  },
  {
    signal: 'E13',
    label: 'ten steps of a tenth',
    given: [cell('pgd', { params: { steps: 10, relStepSize: 0.1 } })],
  },
  {
    signal: 'E13',
    label: 'steps longer than epsilon',
    given: [cell('pgd', { params: { steps: 10, stepSize: 0.1 } })],
    raised: 'warning',
  },
  {
    signal: 'E13',
    label: 'a single one',
    given: [cell('fgsm', { params: { steps: 1, relStepSize: 1.25 } })],
  },
  { signal: 'E13', label: 'the default', given: [cell('pgd', { params: { steps: 40 } })] },
  {
    signal: 'E13',
    label: 'the step of a minimiser is no step of the ball',
    given: [cell('deepfool', { params: { steps: 10, stepSize: 1e-5 } })],
  },

  {
    signal: 'E16',
    label: 'targeted never',
    given: [cell('pgd', { broken: 500 }), cell('pgd', { goal: toNext })],
    raised: 'note',
  },
  {
    signal: 'E16',
    label: 'untargeted never',
    given: [cell('pgd'), cell('pgd', { goal: toNext, broken: 50 })],
    raised: 'note',
  },
  {
    signal: 'E16',
    label: 'targeted once',
    given: [cell('pgd', { broken: 500 }), cell('pgd', { goal: toNext, broken: 1 })],
  },
  {
    signal: 'E16',
    label: 'untargeted hardly ever',
    given: [cell('pgd', { broken: 49 }), cell('pgd', { goal: toNext })],
  },
  {
    signal: 'E16',
    label: '199 samples',
    given: [
      cell('pgd', { broken: 100, samples: 199 }),
      cell('pgd', { goal: toNext, samples: 199 }),
    ],
  },

  {
    signal: 'E17',
    label: 'the same samples',
    given: [cell('fgsm', { broken: 495 }), cell('pgd', { broken: 500 })],
    raised: 'warning',
  },
  {
    signal: 'E17',
    label: 'nothing at all',
    given: [cell('fgsm'), cell('pgd')],
    raised: 'warning',
  },
  { signal: 'E17', label: 'one attack', given: [cell('pgd', { broken: 500 })], raised: 'warning' },
  {
    signal: 'E17',
    label: 'noise is no attack',
    given: [cell('pgd', { broken: 500 }), cell('noise', { broken: 100 })],
    raised: 'warning',
  },
  {
    signal: 'E17',
    label: 'index of 0.98',
    given: [cell('fgsm', { broken: 490 }), cell('pgd', { broken: 500 })],
  },
  {
    signal: 'E17',
    label: 'the same at the smaller epsilon alone',
    given: [...curve('fgsm', 50, 100), ...curve('pgd', 50, 200)],
  },
  {
    signal: 'E17',
    label: 'the same in L2 alone',
    given: [...curve('fgsm', 50, 100), ...curve('pgd', 50, 200), cell('pgd', { norm: 'l2' })],
    raised: 'warning',
  },
  {
    signal: 'E17',
    label: 'an attack without gradients',
    given: [cell('pgd', { broken: 500 }), cell('square', { broken: 500 })],
  },
  {
    signal: 'E17',
    label: 'a transfer attack',
    given: [cell('pgd', { broken: 500 }), cell('pgd', { broken: 500, surrogate: 'v1' })],
  },
  {
    signal: 'E17',
    label: 'nothing is left to find',
    given: [cell('fgsm', { broken: 995 }), cell('pgd', { broken: 995 })],
  },

  {
    signal: 'E18',
    label: 'another norm',
    given: { cells: [cell('pgd')], gateThreats: [{ norm: 'l2', epsilon: 0.5 }] },
    raised: 'error',
  },
  {
    signal: 'E18',
    label: 'another epsilon',
    given: { cells: [cell('pgd')], gateThreats: [{ norm: 'linf', epsilon: 0.1 }] },
    raised: 'error',
  },
  {
    signal: 'E18',
    label: 'noise alone',
    given: { cells: [cell('noise')], gateThreats: [{ norm: 'linf' }] },
    raised: 'error',
  },
  {
    signal: 'E18',
    label: 'the same epsilon, from a decimal',
    given: {
      cells: [cell('pgd')],
      gateThreats: [{ norm: 'linf', epsilon: 0.031372549019607843 }, { norm: 'linf' }, {}],
    },
  },

  {
    signal: 'E25',
    label: '5 pp fewer right',
    given: {
      cells: [cell('pgd', { wrong: 100, broken: 300 })],
      baseline: { version: 'v1', cells: [cell('pgd', { wrong: 50, broken: 500 })] },
    },
    raised: 'warning',
  },
  {
    signal: 'E25',
    label: 'as many as are tolerated',
    given: {
      cells: [cell('pgd', { wrong: 60 })],
      baseline: { version: 'v1', cells: [cell('pgd', { wrong: 50 })] },
    },
  },
  {
    signal: 'E25',
    label: 'two of few: chance',
    given: {
      cells: [cell('pgd', { wrong: 4, samples: 50 })],
      baseline: { version: 'v1', cells: [cell('pgd', { wrong: 2, samples: 50 })] },
    },
  },
  {
    signal: 'E25',
    label: 'better than before',
    given: {
      cells: [cell('pgd', { wrong: 10 })],
      baseline: { version: 'v1', cells: [cell('pgd', { wrong: 50 })] },
    },
  },
]

describe.each(rows)('$signal, $label', ({ signal, given, raised }) => {
  it(raised === undefined ? 'is silent' : `is raised as ${raised}`, () => {
    const own = findingsOf(given).filter((finding) => finding.signal === signal)
    expect([...new Set(own.map(({ severity }) => severity))]).toEqual(raised ? [raised] : [])
    for (const { version, text } of own) {
      expect(version).toBe('v2')
      expect(text).toMatch(/\d|no attack/)
      expect(text).not.toMatch(/NaN|undefined|n\/a|\n/)
    }
  })
})

it('finds nothing in an honest evaluation', () => {
  const epsilons = [2, 4, 8, 16].map((level) => level / 255)
  const cells = epsilons.flatMap((epsilon, i) => [
    cell('fgsm', { epsilon, wrong: 100, broken: 80 * (i + 1) }),
    cell('pgd', { epsilon, wrong: 100, broken: 100 * (i + 1), params: { steps: 40 }, restarts: 2 }),
    cell('deepfool', { epsilon, wrong: 100, broken: [8, 95 * (i + 1)], reach: 1.4, edit: inside }),
    cell('square', { epsilon, wrong: 100, broken: [4, 100 * (i + 1) + 3], eot: 1 }),
    cell('pgd', { epsilon, wrong: 100, broken: 60 * (i + 1), surrogate: 'v1' }),
    cell('universal', { epsilon, wrong: 100, broken: 30 * (i + 1) }),
    cell('noise', { epsilon, wrong: 100, broken: 3 * i }),
  ])
  const gateThreats = [{ norm: 'linf', epsilon: 8 / 255 }] as const
  expect(findingsOf({ cells, gateThreats, baseline: { version: 'v1', cells } })).toEqual([])
})

const inside = (outcome: Outcome): Outcome =>
  outcome.success ? { ...outcome, distance: 0.5 / 255 } : outcome

it('says what and where, with the numbers', () => {
  const cells = [
    cell('fgsm', { broken: 150, label: 'FGSM' }),
    cell('pgd', { broken: [50, 100], label: 'PGD-40' }),
    cell('square', { broken: 400, label: 'Square-5000' }),
  ]
  expect(findingsOf(cells)).toEqual([
    {
      signal: 'E1',
      severity: 'error',
      version: 'v2',
      where: 'PGD-40, L∞ 8/255',
      text: 'FGSM breaks 100 samples that PGD-40 missed, 10.0 % of 1,000; robust accuracy 85.0 % under FGSM, 95.0 % under PGD-40',
    },
    {
      signal: 'E2',
      severity: 'error',
      version: 'v2',
      where: 'Square-5000, L∞ 8/255',
      text: 'Square-5000 breaks 250 samples that the 2 attacks with gradients missed, 25.0 % of 1,000; robust accuracy 60.0 % under Square-5000, 85.0 % under the 2 attacks with gradients',
    },
  ])
})

it('has nothing to say of nothing', () => {
  expect(findingsOf([])).toEqual([])
  expect(findingsOf([cell('pgd', { samples: 0, complete: false })])).toEqual([])
})

/** What is known of attacks: noise is a control. */
const kinds = (id: string) => ({
  kind: id === 'noise' ? ('control' as const) : ('fixed-epsilon' as const),
  needs: [],
})

describe('P1, a random model', () => {
  const found = {
    signal: 'P1',
    severity: 'error',
    version: 'v2',
    where: '',
    text: 'passes differ',
  } as const
  it.each<[string, ResultCell[], Severity]>([
    ['attacked without an average', [cell('pgd')], 'error'],
    ['one attack of two averages', [cell('pgd', { eot: 20 }), cell('square')], 'error'],
    ['an average of two passes', [cell('pgd', { eot: 2 })], 'error'],
    ['noise alone averages', [cell('noise', { eot: 20 })], 'error'],
    [
      'every attack averages',
      [cell('pgd', { eot: 20 }), cell('square', { eot: 30 }), cell('noise')],
      'warning',
    ],
  ])('%s', (_, cells, severity) => {
    expect(averaged(found, { cells, kinds }).severity).toBe(severity)
  })

  it('and no other signal', () => {
    const other = { ...found, signal: 'P2' }
    expect(averaged(other, { cells: [cell('pgd', { eot: 20 })], kinds })).toBe(other)
  })
})
