import type { DatasetSpec } from '../data/dataset.js'
import { formatRate } from '../stats/format.js'
import { createRng } from '../util/rng.js'
import { range, shuffle } from '../util/shuffle.js'
import { trialKey } from './key.js'
import type { ModelSpec } from './task.js'
import type {
  DetectorSpec,
  PoisonRateSpec,
  PoisonSpec,
  TrainingSpec,
  TrialCell,
  TrialTask,
} from './trial.js'

/** One poison at one rate, for every version. */
export interface PoisonCheck {
  readonly poison: PoisonSpec
  readonly rate: PoisonRateSpec
  readonly trials: number
  /** A class, `any` (every class but the target), or one that is drawn for each trial. */
  readonly source: number | 'any' | 'drawn'
  /** A class, or one that is drawn for each trial. */
  readonly target: number | 'drawn'
  readonly detectors: readonly DetectorSpec[]
  readonly falsePositiveRate: number
}

export interface TrialPlanInput {
  readonly models: readonly { readonly model: ModelSpec; readonly training: TrainingSpec }[]
  readonly checks: readonly PoisonCheck[]
  readonly trainingData: DatasetSpec & { readonly digest: string }
  readonly dataset: DatasetSpec & { readonly digest: string }
  readonly classes: number
  readonly seed: number
  readonly provider: string
  readonly batch: number
}

/** Cells of trials: version × poison × rate. A trial's classes and seed depend on its number alone, so that cells can be compared. */
export function makeTrials(input: TrialPlanInput): TrialCell[] {
  const { models, checks, trainingData, dataset, provider, batch } = input
  const names = new Map<string, number>()
  return models.flatMap(({ model, training }) =>
    checks.map(({ poison, rate, trials, source, target, detectors, falsePositiveRate }) => {
      const name = `${model.version} / ${poison.label} / ${formatRate(rate)}`
      const count = (names.get(name) ?? 0) + 1
      names.set(name, count)
      const id = count === 1 ? name : `${name} #${count}`
      const shared = { model, training, poison, rate, detectors, falsePositiveRate }
      const tasks = Array.from({ length: trials }, (_, trial): TrialTask => {
        const content = {
          ...shared,
          ...drawClasses(input, source, target, trial),
          trial,
          seed: createRng('trial', input.seed, trial).uint32(),
          trainingData,
          dataset,
          provider,
        }
        return { key: trialKey(content), cell: id, ...content, batch }
      })
      return { id, ...shared, tasks }
    }),
  )
}

/**
 * Source and target of a trial. What is drawn goes through a permutation of the classes, so that each is the target
 * equally often, and pairs repeat only when all have been there.
 */
export function drawClasses(
  { classes, seed }: Pick<TrialPlanInput, 'classes' | 'seed'>,
  source: number | 'any' | 'drawn',
  target: number | 'drawn',
  trial: number,
): { readonly source: number | null; readonly target: number } {
  const order = shuffle(range(classes), createRng('trial classes', seed))
  const others = (not: number): number[] => order.filter((one) => one !== not)
  if (target !== 'drawn') {
    const rest = others(target)
    return { target, source: resolve(source, rest[trial % rest.length]!) }
  }
  if (typeof source === 'number') {
    const rest = others(source)
    return { source, target: rest[trial % rest.length]! }
  }
  const step = 1 + (Math.floor(trial / classes) % (classes - 1))
  const drawn = order[trial % classes]!
  return { target: drawn, source: resolve(source, order[(trial + step) % classes]!) }
}

const resolve = (source: number | 'any' | 'drawn', drawn: number): number | null =>
  source === 'any' ? null : source === 'drawn' ? drawn : source
