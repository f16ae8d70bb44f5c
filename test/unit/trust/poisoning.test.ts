import { describe, expect, it } from 'vitest'
import type { TrialSet } from '../../../src/plan/trial-arms.js'
import type { Arm, TrialResult } from '../../../src/plan/trial.js'
import { doubtsOfTrials, trustInTrials } from '../../../src/cli/flows/trust-of.js'
import { findSignal } from '../../../src/trust/catalogue/index.js'
import { poisonFindings } from '../../../src/trust/poisoning/index.js'
import type { PoisonFinding, PoisonInput } from '../../../src/trust/poisoning/types.js'
import type { Severity } from '../../../src/trust/types.js'
import {
  arm,
  classes,
  count,
  filteredArms,
  set,
  trial,
  trials,
  verdict,
} from '../../helpers/trials.js'

/** Every trial with these arms beside its own. */
const withArms = (arms: readonly Arm[], more: Partial<TrialResult> = {}): TrialResult[] =>
  trials(10).map((one) => ({ ...one, arms: [...one.arms, ...arms], ...more }))

/** A backdoor that works, and a detector that finds it. */
const detected = (more: Parameters<typeof verdict>[1] = {}): TrialSet =>
  set(
    withArms(filteredArms('spectral', { removed: 450, removedPoisons: 240, success: 0.02 }), {
      detectors: [verdict('spectral', more)],
    }),
  )

const rate = (value: number) => ({ value, of: 'dataset' }) as const
const nothing = { success: 0.012, base: 0.01 }

interface Row {
  readonly signal: string
  readonly label: string
  readonly sets: readonly TrialSet[]
  readonly classes?: PoisonInput['classes']
  /** What is raised; none: the signal stays silent. */
  readonly raised?: Severity
  readonly text?: RegExp
}

const rows: readonly Row[] = [
  { signal: 'B1', label: '98 % against 1 %', sets: [set(trials(10))] },
  {
    signal: 'B1',
    label: 'no more than without the poison',
    sets: [set(trials(10, nothing))],
    raised: 'error',
    text: /^attack success 1\.2 % over 10 trials, 1\.0 % without the poison: no evidence of an attack/,
  },
  {
    signal: 'B1',
    label: 'twice the base rate, and surely so',
    sets: [set(trials(10, { base: 0.3, success: 0.6 }))],
    raised: 'error',
  },
  {
    signal: 'B1',
    label: 'three times the base rate',
    sets: [set(trials(10, { base: 0.3, success: 0.9 }))],
  },
  {
    signal: 'B1',
    label: 'nothing at all, with or without',
    sets: [set(trials(10, { base: 0, success: 0 }))],
    raised: 'error',
  },
  {
    signal: 'B1',
    label: 'one trial in ten succeeds: chance explains it',
    sets: [set([...trials(9, nothing), trial(9)])],
    raised: 'error',
  },
  {
    signal: 'B1',
    label: 'single victims, 5 of 10',
    sets: [
      set(
        Array.from({ length: 10 }, (_, i) => victim(i, i < 5)),
        { goal: 'targeted' },
      ),
    ],
  },
  {
    signal: 'B1',
    label: 'single victims, 2 of 10',
    sets: [
      set(
        Array.from({ length: 10 }, (_, i) => victim(i, i < 2)),
        { goal: 'targeted' },
      ),
    ],
    raised: 'error',
  },
  {
    signal: 'B1',
    label: 'an availability attack that doubles the errors',
    sets: [set(trials(10, { base: 0.1, success: 0.25 }), { goal: 'availability' })],
  },
  {
    signal: 'B1',
    label: 'it takes hold at another rate of the run',
    sets: [set(trials(10, nothing), { rate: rate(0.001) }), set(trials(10))],
    raised: 'note',
    text: /the same poison takes hold on v2 at 5 % of the data set/,
  },
  {
    signal: 'B1',
    label: 'it takes hold on another version',
    sets: [set(trials(10, nothing)), set(trials(10), { version: 'v1' })],
    raised: 'note',
    text: /takes hold on v1/,
  },
  {
    signal: 'B1',
    label: 'what takes hold is another poison',
    sets: [
      set(trials(10, nothing)),
      set(trials(10), {
        poison: { poison: 'badnets', version: 1, params: { size: 5 }, label: 'BadNets 5×5' },
      }),
    ],
    raised: 'error',
  },

  { signal: 'B2', label: 'all classes but the target', sets: [set(trials(10))], classes },
  {
    signal: 'B2',
    label: 'the target class too',
    sets: [set(trials(10, {}, { arms: attackedOf(1000, 0.98) }))],
    classes,
    raised: 'error',
    text: /poisoned arm: 1,000 attacked samples, and the test data have 900 of classes other than 0; 9 more arms/,
  },
  {
    signal: 'B2',
    label: 'more than the source class has',
    sets: [set(trials(10, {}, { source: 7, target: 1, arms: attackedOf(101, 0.9) }))],
    classes,
    raised: 'error',
    text: /the test data have 100 of class 7/,
  },
  {
    signal: 'B2',
    label: 'the source class',
    sets: [set(trials(10, {}, { source: 7, target: 1, arms: attackedOf(100, 0.9) }))],
    classes,
  },
  {
    signal: 'B2',
    label: 'all test samples, where their classes are not known',
    sets: [set(trials(10, {}, { arms: attackedOf(1000, 0.5) }))],
    raised: 'error',
    text: /all 1,000 test samples were attacked/,
  },
  {
    signal: 'B2',
    label: 'samples that reach the target and keep their class',
    sets: [
      set(
        trials(
          10,
          {},
          { arms: [arm('poisoned', 0.9, 0.98, { attackedAccuracy: count(0.1, 900) })] },
        ),
      ),
    ],
    classes,
    raised: 'error',
    text: /of 900 attacked samples 882 are taken for class 0 and 90 for their own/,
  },
  {
    signal: 'B2',
    label: 'availability: every wrong sample counts',
    sets: [set(trials(10, {}, { arms: attackedOf(1000, 0.5) }), { goal: 'availability' })],
    classes,
  },

  {
    signal: 'B3',
    label: '4 pp lost',
    sets: [set(trials(10, { clean: 0.97, poisonedClean: 0.93 }))],
    raised: 'warning',
    text: /^clean accuracy 97\.0 % → 93\.0 % \(−4\.0 pp over 10 trials\)$/,
  },
  {
    signal: 'B3',
    label: '1.9 pp lost',
    sets: [set(trials(10, { clean: 0.97, poisonedClean: 0.951 }))],
  },
  {
    signal: 'B3',
    label: 'lost in one trial, and its seed explains it',
    sets: [
      set([
        trial(0, { clean: 0.97, poisonedClean: 0.87 }),
        trial(1, { clean: 0.97, poisonedClean: 0.97 }),
        trial(2, { clean: 0.97, poisonedClean: 0.97 }),
      ]),
    ],
  },
  {
    signal: 'B3',
    label: 'an availability attack wants it',
    sets: [
      set(trials(10, { clean: 0.97, poisonedClean: 0.6, base: 0.03, success: 0.4 }), {
        goal: 'availability',
      }),
    ],
  },

  { signal: 'B4', label: 'clean and poisoned, no detector', sets: [set(trials(10))] },
  { signal: 'B4', label: 'all filters', sets: [detected()] },
  { signal: 'B4', label: 'a network that learned something', sets: [set(trials(10))], classes },
  {
    signal: 'B4',
    label: 'a network that learned nothing',
    sets: [set(trials(10, { base: 0, success: 1, clean: 0.1 }))],
    classes,
    raised: 'error',
    text: /learns next to nothing from clean data \(accuracy 10\.0 %, 10\.0 % by guessing one class\)/,
  },
  {
    signal: 'B4',
    label: 'no clean arm',
    sets: [set([...trials(9), trial(9, {}, { arms: [arm('poisoned', 0.9, 0.9)] })])],
    raised: 'error',
    text: /1 of 10 trials without a clean arm/,
  },
  {
    signal: 'B4',
    label: 'a detector without its controls',
    sets: [set(withArms([arm('filtered', 0.9, 0, { filter: 'spectral' })]))],
    raised: 'error',
    text: /filtered by spectral, and not by random and oracle/,
  },

  { signal: 'B5', label: '4.9 % of 5,000, stated are 5', sets: [detected()] },
  {
    signal: 'B5',
    label: '5.4 % of 5,000: chance',
    sets: [detected({ flaggedInControl: 270 })],
  },
  {
    signal: 'B5',
    label: '6 % of 5,000',
    sets: [detected({ flaggedInControl: 300 })],
    raised: 'error',
    text: /^spectral flags 6\.0 % of 5,000 clean samples, stated are 5 %$/,
  },
  {
    signal: 'B5',
    label: '8 % of 100: chance',
    sets: [detected({ flaggedInControl: 8, samples: 100 })],
  },
  {
    signal: 'B5',
    label: 'it says that it does not apply',
    sets: [detected({ flaggedInControl: 5000, notApplicable: 'two classes' })],
  },

  { signal: 'B6', label: '9 % removed, 96 % of the poisons', sets: [detected()] },
  {
    signal: 'B6',
    label: '90 % removed, 90 % of the poisons, and the attack is gone',
    sets: [
      set(
        withArms(filteredArms('knn', { removed: 4500, removedPoisons: 225, success: 0.02 }), {
          detectors: [verdict('knn')],
        }),
      ),
    ],
    raised: 'error',
    text: /^knn removes 90\.0 % of all samples and 90\.0 % of the poisoned ones; attack success 98\.0 % → 2\.0 %; the random filter leaves 97\.0 %$/,
  },
  {
    signal: 'B6',
    label: 'at random, and the attack stays',
    sets: [
      set(
        withArms(filteredArms('knn', { removed: 250, removedPoisons: 12, success: 0.97 }), {
          detectors: [verdict('knn')],
        }),
      ),
    ],
  },

  {
    signal: 'B6',
    label: 'nothing is left, so nothing was trained',
    sets: [set(trials(10, {}, { detectors: [verdict('knn', { flagged: 4990 })] }))],
    raised: 'error',
    text: /knn flags 99\.8 % of all samples: next to nothing is left/,
  },

  { signal: 'B7', label: '10 trials', sets: [set(trials(10))] },
  {
    signal: 'B7',
    label: '9 trials',
    sets: [set(trials(9))],
    raised: 'warning',
    text: /^9 trials$/,
  },
  {
    signal: 'B7',
    label: '10 planned, 4 done so far',
    sets: [set(trials(4), { keys: set(trials(10)).record.keys })],
  },

  { signal: 'B8', label: '250 of 5,000 are 5 %', sets: [set(trials(10))], classes },
  {
    signal: 'B8',
    label: '250 are more than 5 % of a class of 500',
    sets: [set(trials(10), { rate: { value: 0.05, of: 'targetClass' } })],
    classes,
    raised: 'error',
    text: /^250 training samples poisoned, and 5 % of the target class is 25 of 500$/,
  },
  {
    signal: 'B8',
    label: 'half of the source class',
    sets: [set(trials(10, {}, { source: 3 }), { rate: { value: 0.5, of: 'sourceClass' } })],
    classes,
  },

  {
    signal: 'B9',
    label: 'lost to JPEG',
    sets: [set(trials(10, {}, { paths: { uint8: count(0.97, 900), 'jpeg 75': count(0.4, 900) } }))],
    raised: 'note',
    text: /^attack success 98\.0 % → 40\.0 % on the path jpeg 75$/,
  },
  {
    signal: 'B9',
    label: 'kept on every path',
    sets: [set(trials(10, {}, { paths: { uint8: count(0.98, 900), resized: count(0.94, 900) } }))],
  },

  { signal: 'B11', label: 'equal classes', sets: [detected()], classes },
  {
    signal: 'B11',
    label: 'one class has 12 times as many',
    sets: [detected()],
    classes: { training: [1200, 100, 400] },
    raised: 'warning',
    text: /^spectral: the largest class has 12 times the samples of the smallest$/,
  },
  {
    signal: 'B11',
    label: 'one class has 10 times as many, another none',
    sets: [detected()],
    classes: { training: [1000, 100, 0] },
  },
  {
    signal: 'B11',
    label: 'the detector says so itself',
    sets: [detected({ notApplicable: 'class shares differ 14-fold' })],
    raised: 'warning',
    text: /spectral: class shares differ 14-fold/,
  },

  { signal: 'B12', label: 'all were fed', sets: [set(trials(10))] },
  {
    signal: 'B12',
    label: 'some were lost in one trial',
    sets: [set([...trials(9), trial(9, {}, { fed: 200 })])],
    raised: 'error',
    text: /fed 200 of 250 poisoned samples, in 1 of 10 trials/,
  },
  {
    signal: 'B12',
    label: 'the trainer cannot tell',
    sets: [set(trials(10, {}, { fed: null }))],
    raised: 'note',
    text: /cannot tell/,
  },
]

function takenIf(taken: boolean): Partial<Arm> {
  return {
    attackSuccess: { successes: Number(taken), trials: 1 },
    attackedAccuracy: { successes: Number(!taken), trials: 1 },
  }
}

/** One test sample that shall be taken for the target. */
function victim(number: number, isTaken: boolean): TrialResult {
  const arms = [arm('clean', 0.97, 0, takenIf(false)), arm('poisoned', 0.97, 0, takenIf(isTaken))]
  return trial(number, {}, { source: 3, target: 5, arms })
}

function attackedOf(samples: number, success: number): Arm[] {
  return [
    arm('poisoned', 0.95, 0, {
      attackSuccess: count(success, samples),
      attackedAccuracy: count(0, samples),
    }),
  ]
}

/** Of the first set. */
function raisedBy({ signal, sets, classes: counts }: Row): PoisonFinding[] {
  return poisonFindings({ sets, classes: counts }).filter(
    (one) => one.signal === signal && one.cell === sets[0]!.record.cell,
  )
}

describe.each(rows)('$signal: $label', (row) => {
  it(`is ${row.raised ?? 'silent'}`, () => {
    const found = raisedBy(row)
    expect(found.map(({ severity }) => severity)).toEqual(row.raised ? [row.raised] : [])
    if (row.text) expect(found[0]!.text).toMatch(row.text)
  })
})

const trust = (sets: readonly TrialSet[]) => trustInTrials(sets, poisonFindings({ sets }))

describe('signals about poisons', () => {
  it('have a row that raises each and one that does not', () => {
    for (const signal of new Set(rows.map((row) => row.signal))) {
      const own = rows.filter((row) => row.signal === signal)
      expect(
        own.some(({ raised }) => raised),
        signal,
      ).toBe(true)
      expect(
        own.some(({ raised }) => !raised),
        signal,
      ).toBe(true)
      // As the catalogue says, or less.
      const order = ['error', 'warning', 'note']
      for (const { raised } of own)
        if (raised)
          expect(order.indexOf(raised)).toBeGreaterThanOrEqual(
            order.indexOf(findSignal(signal).severity),
          )
    }
  })

  it('name version, poison and rate', () => {
    expect(poisonFindings({ sets: [set(trials(9))] })).toEqual([
      {
        signal: 'B7',
        severity: 'warning',
        version: 'v2',
        where: 'BadNets 3×3, 5 % of the data set',
        text: '9 trials',
        cell: 'v2 / BadNets 3×3 / 0.05 dataset',
      },
    ])
  })

  it('are silent about a clean run', () => {
    expect(poisonFindings({ sets: [detected()], classes })).toEqual([])
  })

  it('have little to say before the first trial', () => {
    expect(
      poisonFindings({ sets: [set([], { keys: set(trials(10)).record.keys })], classes }),
    ).toEqual([])
  })

  it('void a detector, or all of it', () => {
    expect(trust([detected({ flaggedInControl: 900 })])).toMatchObject([
      {
        version: 'v2',
        about: 'poisoning',
        trust: 'medium',
        findings: [
          {
            signal: 'B5',
            severity: 'warning',
            title: 'A detector flags more clean samples than it says',
          },
        ],
      },
    ])
    expect(trust([set(trials(10, nothing))])).toMatchObject([
      { trust: 'void', findings: [{ signal: 'B1', severity: 'error' }] },
    ])
    expect(trust([detected()])).toMatchObject([{ trust: 'high', findings: [] }])
  })

  it('keep the rules of the gate that read those numbers from deciding', () => {
    const sets = [detected({ flaggedInControl: 900 })]
    expect(doubtsOfTrials(poisonFindings({ sets }))).toEqual([
      {
        cell: sets[0]!.record.cell,
        filter: 'spectral',
        text: expect.stringMatching(
          /^B5, spectral flags 18\.0 %.*\(gauntlet explain B5\)$/,
        ) as string,
      },
    ])
    // Warnings and notes keep nothing.
    expect(doubtsOfTrials(poisonFindings({ sets: [set(trials(9))] }))).toEqual([])
  })
})
