import { basename, resolve } from 'node:path'
import { loadPlugins } from '../../config/load-plugins.js'
import { locatePlugin } from '../../config/locate-plugin.js'
import { defaultWorkers } from '../../config/schema.js'
import type { DatasetSpec } from '../../data/dataset.js'
import { loadDataset } from '../../data/load.js'
import { GauntletError } from '../../errors.js'
import { makePlan, type Cell } from '../../plan/plan.js'
import type { ModelSpec, Outcome, TaskResult } from '../../plan/task.js'
import { formatPercent, formatShareInterval } from '../../stats/format.js'
import { wilson } from '../../stats/proportion.js'
import {
  formatConstraints,
  formatEpsilon,
  normLabels,
  type Goal,
  type Norm,
  type TargetChoice,
  type ThreatModel,
} from '../../threat/threat-model.js'
import type { ExecuteOptions } from '../../../workers/coordinator.js'
import { createHarness } from '../compose.js'
import type { Io } from '../io.js'
import { duration } from '../progress.js'
import { paint, table } from '../table.js'
import { checkFit, checkForm, checkThreat } from './checks.js'
import { readFeatures, resolveFeatures } from './features.js'
import { executeOnce } from './execute-once.js'
import { rehearsals } from './execute-run.js'
import { readParams } from './params.js'
import { modelSpec } from './resolve.js'
import { checkSaveTarget, saveExamples } from './save-examples.js'

/** The command line of `gauntlet attack`, read. */
export interface AttackArgs {
  readonly model: string
  readonly data: string
  readonly attack: string
  readonly norm: Norm
  readonly epsilon?: number | undefined
  readonly steps?: number | undefined
  readonly stepSize?: number | undefined
  readonly restarts?: number | undefined
  readonly loss?: string | undefined
  readonly eot?: number | undefined
  readonly surrogate?: string | undefined
  readonly params: readonly string[]
  readonly plugins: readonly string[]
  readonly target?: string | undefined
  readonly quantize?: number | undefined
  /** File. */
  readonly features?: string | undefined
  readonly layout?: 'nchw' | 'nhwc' | undefined
  readonly range?: readonly [number, number] | undefined
  readonly mean?: readonly number[] | undefined
  readonly std?: readonly number[] | undefined
  readonly labels?: string | undefined
  readonly format?: DatasetSpec['format']
  readonly input?: string | undefined
  readonly output?: string | undefined
  readonly limit?: number | undefined
  readonly device: string
  readonly batch: number
  readonly workers?: number | undefined
  readonly seed: number
  readonly save?: string | undefined
}

/** What `--json` prints. Shares are on [0, 1]; seconds are wall time of the attack, models open and warm. */
interface AttackSummary {
  readonly model: string
  readonly attack: string
  readonly norm: Norm
  readonly epsilon: number
  /** What else an example must hold to, in short. */
  readonly constraints?: string | undefined
  readonly samples: number
  readonly cleanAccuracy: number
  readonly robustAccuracy: number
  /** Fooled / correctly classified clean samples; null when none was. */
  readonly attackSuccess: number | null
  readonly gradients: number
  readonly queries: number
  readonly seconds: number
  /** Summed over the workers. */
  readonly secondsInRuntime: number
}

export interface AttackOnceResult {
  readonly summary: AttackSummary
  readonly label: string
  readonly classes: number
  readonly outcomes: readonly Outcome[]
  readonly notes: readonly string[]
  readonly workers: number
  readonly saved: string | undefined
}

/** One attack on one model, kept nowhere but in the file of `--save`. */
export async function attackOnce(
  args: AttackArgs,
  io: Io,
  options: { readonly quiet: boolean },
): Promise<AttackOnceResult> {
  const plugins = args.plugins.map((name) => locatePlugin(name, io.cwd))
  const harness = createHarness(await loadPlugins(plugins, io.cwd))
  const spec: DatasetSpec = {
    path: args.data === 'glyphs' ? args.data : resolve(io.cwd, args.data),
    format: args.format,
    labels: args.labels === undefined ? undefined : resolve(io.cwd, args.labels),
    range: args.range,
    limit: args.limit,
  }
  const saved = args.save === undefined ? undefined : resolve(io.cwd, args.save)
  if (saved !== undefined) await checkSaveTarget(saved, [spec.path])
  const attack = harness.attacks.specify(args.attack, parametersOf(args), args.restarts, {
    eot: args.eot,
    surrogate: args.surrogate === undefined ? undefined : basename(args.surrogate),
  })
  const goal = goalOf(args.target)
  const plugin = harness.attacks.get(args.attack)
  checkForm(plugin, { norm: args.norm, goal })
  const epsilon = epsilonOf(args)
  const dataset = await loadDataset(spec)
  const { quantize } = args
  const written =
    args.features === undefined ? undefined : await readFeatures(resolve(io.cwd, args.features))
  const threat: ThreatModel = {
    norm: args.norm,
    epsilon,
    bounds: dataset.range,
    goal,
    ...(written ? { features: resolveFeatures(written, dataset) } : {}),
    ...(quantize === undefined ? {} : { quantize }),
  }
  checkThreat(threat, dataset, '--eps')
  checkFit(harness.attacks, attack, threat)
  const isUndivided = plugin.kind === 'universal'
  const { layout, mean, std, input, output } = args
  const specOf = (version: string, path: string): Promise<ModelSpec> =>
    modelSpec({
      version,
      path: resolve(io.cwd, path),
      layout,
      mean: mean && [...mean],
      std: std && [...std],
      input,
      output,
    })
  const model = await specOf('model', args.model)
  const surrogates = new Map<string, ModelSpec>()
  if (args.surrogate !== undefined)
    surrogates.set(basename(args.surrogate), await specOf('surrogate', args.surrogate))
  const workers = args.workers ?? defaultWorkers()
  const plan = makePlan({
    models: [model],
    surrogates,
    checks: [{ attack, threat, isUndivided }],
    dataset: { ...spec, digest: dataset.digest },
    samples: dataset.count,
    seed: args.seed,
    devices: [args.device],
    batch: args.batch,
    keepExamples: args.save === undefined ? 0 : 'all',
    multipleOf: workers,
  })
  const { results, seconds } = await runAll(
    plan.cells,
    { workers, plugins, devices: [args.device] },
    io,
    options.quiet,
  )
  const outcomes = results.flatMap((result) => result.outcomes).sort((a, b) => a.sample - b.sample)
  if (saved !== undefined)
    await saveExamples(
      saved,
      dataset,
      outcomes,
      results.flatMap((result) => result.examples),
    )
  const right = outcomes.filter((outcome) => outcome.cleanPrediction === outcome.label).length
  const fooled = outcomes.filter((outcome) => outcome.success).length
  const sum = (of: (outcome: Outcome) => number): number =>
    outcomes.reduce((total, one) => total + of(one), 0)
  return {
    label: attack.label,
    classes: dataset.classes,
    outcomes,
    notes: [...new Set(results.flatMap((result) => result.notes))],
    workers,
    saved,
    summary: {
      model: args.model,
      attack: args.attack,
      norm: args.norm,
      epsilon: threat.epsilon,
      constraints: formatConstraints(threat) || undefined,
      samples: outcomes.length,
      cleanAccuracy: right / outcomes.length,
      robustAccuracy: (right - fooled) / outcomes.length,
      attackSuccess: right === 0 ? null : fooled / right,
      gradients: sum((outcome) => outcome.gradients),
      queries: sum((outcome) => outcome.queries),
      seconds,
      secondsInRuntime: results.reduce((total, result) => total + result.secondsInRuntime, 0),
    },
  }
}

async function runAll(
  cells: readonly Cell[],
  pool: Pick<ExecuteOptions, 'workers' | 'plugins' | 'devices'>,
  io: Io,
  quiet: boolean,
): Promise<{ results: readonly TaskResult[]; seconds: number }> {
  const tasks = cells.flatMap((cell) => cell.tasks)
  const results: TaskResult[] = []
  let failure: string | undefined
  const { seconds } = await executeOnce(
    {
      tasks,
      rehearsals: rehearsals(cells, tasks),
      dataset: tasks[0]!.dataset,
      ...pool,
      sink: {
        save: async (_task, result) => void results.push(result),
        fail: async (_task, _kind, message) => void (failure ??= message),
      },
    },
    cells,
    io,
    quiet,
  )
  if (failure !== undefined)
    throw new GauntletError('GNT_WORKER', {
      what: `the attack ${cells[0]!.attack.attack} did not finish`,
      got: failure,
      fix: 'of a plugin: gauntlet plugins test FILE tries it on a small model',
    })
  return { results, seconds }
}

/** Named options and `--param name=value`, as the plugin's schema wants them. */
function parametersOf({ steps, stepSize, loss, params }: AttackArgs): Record<string, unknown> {
  return {
    ...(steps === undefined ? {} : { steps }),
    ...(stepSize === undefined ? {} : { stepSize }),
    ...(loss === undefined ? {} : { loss }),
    ...readParams(params),
  }
}

function epsilonOf({ epsilon, norm }: AttackArgs): number {
  if (epsilon !== undefined) return epsilon
  if (norm === 'linf') return 8 / 255
  throw new GauntletError('GNT_USAGE', {
    what: 'no epsilon given',
    expected: norm === 'severity' ? 'a severity from 1 to 5' : `a radius in ${normLabels[norm]}`,
    fix: `pass --eps, as in --eps ${norm === 'severity' ? 3 : 0.5}`,
  })
}

function goalOf(target: string | undefined): Goal {
  if (target === undefined) return { kind: 'untargeted' }
  const names: readonly TargetChoice[] = ['random', 'least-likely', 'next']
  const named = names.find((name) => name === target)
  if (named !== undefined) return { kind: 'targeted', target: named }
  if (/^\d+$/.test(target)) return { kind: 'targeted', target: Number(target) }
  throw new GauntletError('GNT_USAGE', {
    what: 'wrong value',
    where: '--target',
    got: JSON.stringify(target),
    expected: 'random, least-likely, next, or the number of a class',
  })
}

/** The result for people. */
export function printAttack(result: AttackOnceResult, io: Io): void {
  const { summary, label, classes, outcomes, notes, workers, saved } = result
  const n = summary.samples
  const right = Math.round(summary.cleanAccuracy * n)
  const robust = Math.round(summary.robustAccuracy * n)
  const constraints = summary.constraints === undefined ? '' : `, ${summary.constraints}`
  io.out(
    paint(
      io.color,
      'bold',
      `${label}, ${normLabels[summary.norm]} ${formatEpsilon(summary.epsilon)}${constraints}: ${summary.model}`,
    ),
  )
  const rows = [
    ['clean accuracy', share(right, n)],
    ['robust accuracy', share(robust, n)],
    ['attack success', share(right - robust, right)],
    ['cost', `${summary.gradients} gradients, ${summary.queries} queries`],
    [
      'time',
      `${duration(summary.seconds)} with ${workers} worker${workers === 1 ? '' : 's'}, ${summary.secondsInRuntime.toFixed(1)} s inside ONNX Runtime`,
    ],
    ...notes.map((note) => ['note', note]),
    ...(saved === undefined ? [] : [['saved', saved]]),
  ]
  io.out(
    table(rows, {
      width: io.columns,
      decorate: (text, _row, column) => (column === 0 ? paint(io.color, 'dim', text) : text),
    }),
  )
  const chance = wilson(right, n)
  const atChance = chance.low <= 1 / classes
  if (atChance && outcomes.length >= 20)
    io.err(
      paint(
        io.color,
        'yellow',
        'warning: clean accuracy is no better than chance: check --range, --mean, --std and --layout',
      ),
    )
}

/** `40.6 %  (52 of 128, 95 % CI 32.5 to 49.3)` */
function share(successes: number, trials: number): string {
  const value = wilson(successes, trials)
  return `${formatPercent(value.estimate)}  (${successes} of ${trials}, ${formatShareInterval(value)})`
}
