import { readFileSync } from 'node:fs'
import { availableParallelism, platform, arch } from 'node:os'
import { relative } from 'node:path'
import type { Config, ModelConfig } from '../../config/schema.js'
import type { Dataset } from '../../data/dataset.js'
import { loadDataset } from '../../data/load.js'
import { overlap } from '../../data/overlap.js'
import { GauntletError } from '../../errors.js'
import { loadModel } from '../../onnx/load.js'
import { makePlan, type Plan } from '../../plan/plan.js'
import { engineVersion } from '../../plan/key.js'
import type { ModelSpec } from '../../plan/task.js'
import { digestJson } from '../../util/hash.js'
import type { Harness } from '../compose.js'
import { planAudits, type FiledAudit, type PlannedAudit } from './model-audits.js'
import { expandSuites, type Check } from './checks.js'
import { packageFile } from '../package-info.js'
import { recordsOf, resolveTrials } from './resolve-trials.js'

/** Everything a run needs, checked: nothing has been written yet. */
export interface ResolvedRun {
  readonly plan: Plan
  readonly dataset: Dataset
  readonly trainingData?: Dataset | undefined
  readonly audits: readonly PlannedAudit[]
  readonly suite: string
  readonly title: string
  readonly seed: number
  readonly manifest: Readonly<Record<string, unknown>>
}

/** Adversarial examples kept of each task, for the pictures. */
const keptPerTask = 4

/** Loads data and models, expands the suites and makes the plan. @throws GauntletError on anything wrong */
export async function resolveRun(
  config: Config,
  harness: Harness,
  cwd: string,
): Promise<ResolvedRun> {
  const dataset = await loadDataset(config.data)
  const suites = config.suites.map((suite) => harness.suites.resolve(suite))
  const checks = expandSuites(suites, harness.attacks, dataset)
  const models: ModelSpec[] = []
  for (const model of config.models) models.push(await modelSpec(model))
  const surrogates = await surrogatesOf(checks, models, config)
  const trainingData = config.trainingData && (await loadDataset(config.trainingData))
  const overlapping = trainingData && trainedOn(config, dataset, trainingData)
  const trialCells = await resolveTrials({ config, suites, models, dataset, trainingData, harness })
  const suite = suites.map(({ id }) => id).join(', ')
  const made = makePlan({
    models,
    surrogates,
    checks,
    dataset: { ...config.data, digest: dataset.digest },
    samples: dataset.count,
    seed: config.seed,
    devices: config.devices,
    batch: config.batch,
    keepExamples: keptPerTask,
    examines: config.selfAudit,
    trialCells,
  })
  // What is known of the training data belongs to the run: without it, an earlier run would be taken up.
  const known = overlapping ? { ...made, digest: digestJson([made.digest, overlapping]) } : made
  const audits = planAudits(config, models, dataset)
  // Nor is one without audits the same run.
  const plan =
    audits.length === 0
      ? known
      : { ...known, digest: digestJson([known.digest, audits.map(({ key }) => key)]) }
  const shown = (path: string): string => relative(cwd, path) || path
  return {
    plan,
    dataset,
    trainingData,
    audits,
    suite,
    title: config.title,
    seed: config.seed,
    manifest: {
      ...environment(),
      seed: config.seed,
      batch: config.batch,
      devices: config.devices,
      workers: config.workers,
      dataset: dataset.format === 'glyphs' ? 'glyphs' : shown(config.data.path),
      format: dataset.format,
      datasetDigest: dataset.digest,
      samples: dataset.count,
      shape: dataset.shape,
      range: dataset.range,
      classes: dataset.classes,
      ...(overlapping === undefined ? {} : { trainedOn: overlapping.length }),
      models: models.map((model) => ({ ...model, path: shown(model.path) })),
      surrogates: [...surrogates.values()].map((one) => ({ ...one, path: shown(one.path) })),
      suites,
      ...(audits.length === 0
        ? {}
        : {
            audits: audits.map(({ key, model }): FiledAudit => ({ version: model.version, key })),
          }),
      ...(trialCells.length === 0
        ? {}
        : {
            poisonings: recordsOf(trialCells, harness),
            classCounts: { test: classCounts(dataset), training: classCounts(trainingData!) },
          }),
    },
  }
}

/** Samples of each class. */
export function classCounts({ labels, classes }: Dataset): number[] {
  const counts = Array.from({ length: classes }, () => 0)
  for (const label of labels) counts[label]!++
  return counts
}

/** Samples that the models were trained on. @throws GNT_DATA_SHAPE */
function trainedOn(config: Config, dataset: Dataset, other: Dataset): number[] {
  const [own, theirs] = [dataset, other].map(({ shape }) => shape.join('×'))
  if (own !== theirs)
    throw new GauntletError('GNT_DATA_SHAPE', {
      what: 'the training data are of another shape than the data',
      where: config.trainingData?.path,
      got: theirs,
      expected: own,
    })
  return overlap(dataset, other)
}

/** The models that attacks name as surrogates. @throws GNT_CONFIG for a name that nothing has */
async function surrogatesOf(
  checks: readonly Check[],
  models: readonly ModelSpec[],
  config: Config,
): Promise<ReadonlyMap<string, ModelSpec>> {
  const found = new Map<string, ModelSpec>()
  for (const { attack } of checks) {
    const name = attack.surrogate
    if (name === undefined || found.has(name)) continue
    const other = config.surrogates.find(({ version }) => version === name)
    const spec =
      models.find(({ version }) => version === name) ?? (other && (await modelSpec(other)))
    if (!spec)
      throw new GauntletError('GNT_CONFIG', {
        what: 'no model has the name of this surrogate',
        where: attack.attack,
        got: JSON.stringify(name),
        expected: `one of ${[...config.models, ...config.surrogates].map(({ version }) => version).join(', ')}`,
      })
    found.set(name, spec)
  }
  return found
}

/** @throws GNT_FILE, GNT_MODEL_FORMAT */
export async function modelSpec(model: ModelConfig): Promise<ModelSpec> {
  const { version, path, training: _, ...rest } = model
  const { digest } = await loadModel(path)
  return { version, path, digest, ...rest }
}

function environment(): Record<string, unknown> {
  return {
    gauntlet: versionIn('package.json'),
    engine: engineVersion,
    node: process.version,
    platform: `${platform()}-${arch()}`,
    cores: availableParallelism(),
  }
}

function versionIn(name: string): string {
  const text = readFileSync(packageFile(name), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
