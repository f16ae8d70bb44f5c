import type { Config } from '../../config/schema.js'
import type { Dataset } from '../../data/dataset.js'
import { GauntletError } from '../../errors.js'
import type { PoisoningRecord, TrainingSpec, TrialCell } from '../../plan/trial.js'
import { makeTrials } from '../../plan/trials.js'
import type { ModelSpec } from '../../plan/task.js'
import type { Suite } from '../../suite/schema.js'
import { providerOf } from '../../plan/plan.js'
import type { Harness } from '../compose.js'
import { expandPoisons } from './poison-checks.js'
import { resolveTraining } from './training.js'

export interface TrialsRequest {
  readonly config: Config
  readonly suites: readonly Suite[]
  readonly models: readonly ModelSpec[]
  readonly dataset: Dataset
  /** Loaded already where the configuration names them. */
  readonly trainingData: Dataset | undefined
  readonly harness: Harness
}

/** The trials of the suites that poison. @throws GNT_CONFIG where the configuration does not say what to train on, or how */
export async function resolveTrials(request: TrialsRequest): Promise<TrialCell[]> {
  const { config, suites, models, dataset, trainingData, harness } = request
  const poisoning = suites.filter(({ poisons }) => poisons.length > 0)
  if (poisoning.length === 0) return []
  if (trainingData === undefined) throw lacking(poisoning, 'trainingData', 'the samples to poison')
  const classes = Math.max(trainingData.classes, dataset.classes)
  const trained: { model: ModelSpec; training: TrainingSpec }[] = []
  for (const [i, model] of models.entries()) {
    const training = config.models[i]?.training ?? config.training
    if (training === undefined)
      throw lacking(poisoning, 'training', 'how to train, as in { epochs: 10 }')
    trained.push({ model, training: await resolveTraining(training) })
  }
  return makeTrials({
    models: trained,
    checks: expandPoisons(poisoning, harness, classes),
    trainingData: { ...config.trainingData!, digest: trainingData.digest },
    dataset: { ...config.data, digest: dataset.digest },
    classes,
    seed: config.seed,
    provider: providerOf(config),
    batch: config.batch,
  })
}

function lacking(suites: readonly Suite[], key: string, expected: string): GauntletError {
  return new GauntletError('GNT_CONFIG', {
    what: `a suite with poisons needs ${key}`,
    where: `suite ${suites.map(({ id }) => id).join(', ')}`,
    expected: `${key} in the configuration: ${expected}`,
  })
}

/** What a run's manifest says of its trials. */
export function recordsOf(
  cells: readonly TrialCell[],
  { poisons }: Pick<Harness, 'poisons'>,
): PoisoningRecord[] {
  return cells.map(({ id, model, training, poison, rate, detectors, falsePositiveRate, tasks }) => {
    const { title, goal, atlas } = poisons.get(poison.poison)
    const [first] = tasks
    return {
      cell: id,
      version: model.version,
      training,
      poison,
      title,
      goal,
      ...(atlas === undefined ? {} : { atlas }),
      rate,
      detectors,
      falsePositiveRate,
      trainingData: first!.trainingData,
      dataset: first!.dataset,
      keys: tasks.map(({ key }) => key),
    }
  })
}
