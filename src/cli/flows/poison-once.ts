import { basename, resolve } from 'node:path'
import { loadPlugins } from '../../config/load-plugins.js'
import { locatePlugin } from '../../config/locate-plugin.js'
import { defaultWorkers } from '../../config/schema.js'
import { trainingSchema, type TrainingConfig } from '../../config/training-schema.js'
import type { Dataset, DatasetSpec } from '../../data/dataset.js'
import { loadDataset } from '../../data/load.js'
import { GauntletError } from '../../errors.js'
import { providerOf } from '../../plan/plan.js'
import type { PoisonRateSpec, TrialCell, TrialResult, TrialTask } from '../../plan/trial.js'
import { makeTrials } from '../../plan/trials.js'
import { firstProblem } from '../../util/schema-problem.js'
import { createHarness, type Harness } from '../compose.js'
import type { Io } from '../io.js'
import { executeOnce } from './execute-once.js'
import { mostTrials, trialRehearsals } from './execute-run.js'
import { readParams } from './params.js'
import { expandPoisons } from './poison-checks.js'
import { summarize, type CellSummary } from './poison-summary.js'
import { classCounts, modelSpec } from './resolve.js'
import { poisonFindings } from '../../trust/poisoning/index.js'
import type { PoisonFinding } from '../../trust/poisoning/types.js'
import { recordsOf } from './resolve-trials.js'
import { resolveTraining } from './training.js'

/** The command line of `gauntlet poison`, read. */
export interface PoisonArgs {
  readonly model: string
  readonly data: string
  readonly test: string
  readonly poison: string
  readonly rates: readonly PoisonRateSpec[]
  readonly trials: number
  readonly source?: number | 'any' | undefined
  readonly target?: number | undefined
  readonly params: readonly string[]
  /** Modules or packages, as the user names them. */
  readonly plugins: readonly string[]
  readonly detectors: readonly string[]
  readonly falsePositiveRate: number
  /** `name=value` of the built-in trainer. */
  readonly training: readonly string[]
  readonly command?: string | undefined
  readonly shell: boolean
  readonly timeoutSeconds?: number | undefined
  readonly keepFolder: boolean
  readonly range?: readonly [number, number] | undefined
  readonly layout?: 'nchw' | 'nhwc' | undefined
  readonly mean?: readonly number[] | undefined
  readonly std?: readonly number[] | undefined
  readonly limit?: number | undefined
  readonly testLimit?: number | undefined
  readonly device: string
  readonly workers?: number | undefined
  readonly seed: number
}

/** What `--json` prints. */
export interface PoisonOnceResult {
  /** One a rate. */
  readonly summaries: readonly CellSummary[]
  /** All trials, as a run's store holds them, without pictures. */
  readonly trials: readonly TrialResult[]
  /** What these numbers say against themselves: signals B1 to B12. */
  readonly findings: readonly PoisonFinding[]
  /** Of the trials that failed, the messages. */
  readonly failures: readonly string[]
  readonly seconds: number
  readonly workers: number
}

/** Poisons one pipeline, without a configuration; nothing is written. */
export async function poisonOnce(
  args: PoisonArgs,
  io: Io,
  { quiet = false }: { readonly quiet?: boolean } = {},
): Promise<PoisonOnceResult> {
  const plugins = args.plugins.map((name) => locatePlugin(name, io.cwd))
  const harness = createHarness(await loadPlugins(plugins, io.cwd))
  const workers = args.workers ?? defaultWorkers()
  const { cells, train, test } = await planOf(args, harness, io.cwd)
  const { results, failures, seconds } = await runAll(
    cells,
    { args, plugins, workers, train, test },
    io,
    quiet,
  )
  return {
    summaries: cells.map((cell) =>
      summarize(
        cell,
        cell.tasks.flatMap(({ key }) => results.get(key) ?? []),
        train.count,
      ),
    ),
    trials: [...results.values()].map(({ examples: _examples, ...result }) => result),
    findings: poisonFindings({
      sets: recordsOf(cells, harness).map((record) => ({
        record,
        results: record.keys.flatMap((key) => results.get(key) ?? []),
        failures: [],
      })),
      classes: { test: classCounts(test), training: classCounts(train) },
    }),
    failures,
    seconds,
    workers,
  }
}

async function planOf(
  args: PoisonArgs,
  harness: Harness,
  cwd: string,
): Promise<{ cells: TrialCell[]; train: Dataset; test: Dataset }> {
  const { range, layout, mean, std } = args
  const specOf = (path: string, limit: number | undefined): DatasetSpec => ({
    path: path === 'glyphs' ? path : resolve(cwd, path),
    range,
    layout,
    limit,
  })
  // Synthetic samples of another seed: else the test data would be the first of the training data.
  const specs = {
    train: { ...specOf(args.data, args.limit), ...(args.data === 'glyphs' ? { seed: 2 } : {}) },
    test: specOf(args.test, args.testLimit),
  }
  const [train, test] = [await loadDataset(specs.train), await loadDataset(specs.test)]
  const path = resolve(cwd, args.model)
  const model = await modelSpec({
    version: basename(path),
    path,
    layout,
    mean: mean && [...mean],
    std: std && [...std],
  })
  const classes = Math.max(train.classes, test.classes)
  const suite = {
    poisons: [
      {
        use: args.poison,
        params: readParams(args.params),
        rates: [...args.rates],
        trials: args.trials,
        source: args.source,
        target: args.target,
      },
    ],
    detectors: [...args.detectors],
    falsePositiveRate: args.falsePositiveRate,
  }
  const cells = makeTrials({
    models: [{ model, training: await resolveTraining(trainingOf(args, cwd)) }],
    checks: expandPoisons([suite], harness, classes),
    trainingData: { ...specs.train, digest: train.digest },
    dataset: { ...specs.test, digest: test.digest },
    classes,
    seed: args.seed,
    provider: providerOf({ devices: [args.device] }),
    batch: 64,
  })
  return { cells, train, test }
}

/** @throws GNT_USAGE naming the option */
function trainingOf(args: PoisonArgs, cwd: string): TrainingConfig {
  const { command, shell, timeoutSeconds, keepFolder, training } = args
  if (command === undefined && (shell || keepFolder || timeoutSeconds !== undefined))
    throw new GauntletError('GNT_USAGE', {
      what: 'an option of a training command without one',
      where: shell ? '--shell' : keepFolder ? '--keep-folder' : '--timeout',
      fix: 'add --command, or leave it out',
    })
  if (command !== undefined && training.length > 0)
    throw new GauntletError('GNT_USAGE', {
      what: 'two ways to train',
      where: '--training, --command',
      fix: 'give --training for the built-in trainer, or --command for your own',
    })
  const value =
    command === undefined
      ? readParams(training, '--training')
      : {
          command,
          shell,
          keepFolder,
          cwd,
          ...(timeoutSeconds === undefined ? {} : { timeout: timeoutSeconds }),
        }
  const parsed = trainingSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const { path, ...problem } = firstProblem(trainingSchema, value, parsed.error)
  const option = command === undefined ? '--training' : '--command'
  throw new GauntletError('GNT_USAGE', { ...problem, where: path ? `${option} ${path}` : option })
}

interface RunSettings {
  readonly args: PoisonArgs
  readonly plugins: readonly string[]
  readonly workers: number
  readonly train: Dataset
  readonly test: Dataset
}

async function runAll(
  cells: readonly TrialCell[],
  { args, plugins, workers, train, test }: RunSettings,
  io: Io,
  quiet: boolean,
): Promise<{ results: Map<string, TrialResult>; failures: string[]; seconds: number }> {
  const trials = cells.flatMap((cell) => cell.tasks).toSorted((a, b) => a.trial - b.trial)
  const results = new Map<string, TrialResult>()
  const failures: string[] = []
  const { seconds } = await executeOnce(
    {
      tasks: [],
      trials,
      trialRehearsals: trialRehearsals(trials),
      mostTrials: mostTrials(train, test),
      dataset: trials[0]!.dataset,
      trainingData: trials[0]!.trainingData,
      workers: Math.min(workers, trials.length),
      plugins,
      devices: [args.device],
      sink: {
        save: noTask,
        saveTrial: async (result) => void results.set(result.key, result),
        fail: async (task, _kind, message) =>
          void failures.push(`${nameOf(task as TrialTask)}: ${message}`),
      },
    },
    cells,
    io,
    quiet,
  )
  return { results, failures, seconds }
}

function noTask(): never {
  throw new Error('a task that is no trial')
}

const nameOf = ({ cell, trial }: TrialTask): string => `${cell}, trial ${trial + 1}`
