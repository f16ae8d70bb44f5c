import type { TrialSet } from '../../src/plan/trial-arms.js'
import type {
  Arm,
  Count,
  DetectorResult,
  PoisoningRecord,
  TrialResult,
} from '../../src/plan/trial.js'

/** Test data of ten classes with 100 samples each; training data of 500 each. */
export const classes = {
  test: Array.from({ length: 10 }, () => 100),
  training: Array.from({ length: 10 }, () => 500),
}

const attacked = 900

export const count = (share: number, trials: number): Count => ({
  successes: Math.round(share * trials),
  trials,
})

/** An arm on all classes but the target's. */
export function arm(
  kind: Arm['arm'],
  clean: number,
  success: number,
  more: Partial<Arm> = {},
): Arm {
  return {
    arm: kind,
    filter: null,
    removed: 0,
    removedPoisons: 0,
    cleanAccuracy: count(clean, 1000),
    attackSuccess: count(success, attacked),
    attackedAccuracy: count(0.95 * (1 - success), attacked),
    seconds: 2,
    ...more,
  }
}

export interface Success {
  readonly base?: number
  readonly success?: number
  readonly clean?: number
  readonly poisonedClean?: number
}

/** A backdoor that works: 250 of 5,000 samples poisoned, target class as the number of the trial. */
export function trial(
  number: number,
  { base = 0.01, success = 0.98, clean = 0.97, poisonedClean = clean - 0.003 }: Success = {},
  more: Partial<TrialResult> = {},
): TrialResult {
  return {
    key: `key ${number}`,
    source: null,
    target: number % 10,
    seed: 1000 + number,
    poisons: 250,
    fed: 250,
    arms: [arm('clean', clean, base), arm('poisoned', poisonedClean, success)],
    detectors: [],
    paths: {},
    seconds: 9,
    secondsInRuntime: 8,
    notes: [],
    ...more,
  }
}

export const trials = (n: number, success?: Success, more?: Partial<TrialResult>): TrialResult[] =>
  Array.from({ length: n }, (_, i) => trial(i, success, more))

export function record(more: Partial<PoisoningRecord> = {}): PoisoningRecord {
  const { version = 'v2', rate = { value: 0.05, of: 'dataset' } } = more
  return {
    cell: `${version} / ${more.poison?.label ?? 'BadNets 3×3'} / ${rate.value} ${rate.of}`,
    version,
    training: {
      kind: 'built-in',
      from: 'scratch',
      epochs: 5,
      batch: 64,
      settings: {},
    },
    poison: { poison: 'badnets', version: 1, params: { size: 3 }, label: 'BadNets 3×3' },
    title: 'BadNets: a patch in a corner',
    goal: 'backdoor',
    rate,
    detectors: [],
    falsePositiveRate: 0.05,
    trainingData: { format: 'npz', path: 'train.npz', digest: 'training' },
    dataset: { format: 'npz', path: 'test.npz', digest: 'test' },
    keys: Array.from({ length: 10 }, (_, i) => `key ${i}`),
    ...more,
  }
}

export function set(
  results: readonly TrialResult[],
  more: Partial<PoisoningRecord> = {},
): TrialSet {
  return {
    record: record({ keys: results.map(({ key }) => key), ...more }),
    results,
    failures: [],
  }
}

/** On 5,000 training samples. */
export function verdict(detector: string, more: Partial<DetectorResult> = {}): DetectorResult {
  return {
    detector,
    flagged: 450,
    truePositives: 240,
    flaggedInControl: 245,
    samples: 5000,
    notApplicable: null,
    ...more,
  }
}

/** Filtered by a detector that finds most, and by both controls. */
export function filteredArms(
  detector: string,
  found: {
    readonly removed: number
    readonly removedPoisons: number
    readonly success: number
    readonly poisons?: number
    /** With what the random filter leaves. */
    readonly before?: number
  },
): Arm[] {
  const { removed, removedPoisons, success, poisons = 250, before = 0.97 } = found
  return [
    arm('filtered', 0.965, success, { filter: detector, removed, removedPoisons }),
    arm('filtered', 0.965, before, {
      filter: 'random',
      removed,
      removedPoisons: Math.round((poisons * removed) / 5000),
    }),
    arm('filtered', 0.968, 0.01, { filter: 'oracle', removed: poisons, removedPoisons: poisons }),
  ]
}
