import { stringify } from 'csv-stringify/sync'
import type { CellView, PoisoningView, Reporter, RunReport } from '../src/reporter.js'
import type { Proportion } from '../src/stats/types.js'
import { formatEpsilon } from '../src/threat/threat-model.js'

/** One row per cell: every number a spreadsheet or a notebook needs, shares on [0, 1]. */
export const csv: Reporter = {
  id: 'csv',
  fileName: 'cells.csv',
  describe:
    'one row per version, attack and epsilon, with counts and intervals; of poisons one per training, in trials.csv',
  render: async (report) =>
    textOf(
      columns,
      report.cells.map((cell) => rowOf(report, cell)),
    ),
  more: async (report) =>
    report.poisoning
      ? [
          {
            fileName: 'trials.csv',
            text: textOf(trialColumns, trialRows(report, report.poisoning)),
          },
        ]
      : [],
}

function textOf(
  names: readonly string[],
  rows: readonly Readonly<Record<string, string | number | boolean>>[],
): string {
  return stringify([...rows], {
    header: true,
    columns: [...names],
    cast: { string: guardText, boolean: String, number: plainNumber },
  })
}

const columns = [
  'run', 'created_at', 'suite', 'dataset', 'version', 'version_digest', 'attack', 'label', 'norm',
  'epsilon', 'epsilon_text', 'constraints', 'samples', 'complete',
  'clean_right', 'clean_trials', 'clean_accuracy', 'clean_low', 'clean_high',
  'robust_right', 'robust_trials', 'robust_accuracy', 'robust_low', 'robust_high',
  'fooled', 'attack_trials', 'attack_success', 'attack_success_low', 'attack_success_high',
  'confidence', 'queries', 'gradients', 'seconds', 'seconds_in_runtime', 'notes',
] as const // prettier-ignore

type Row = Record<(typeof columns)[number], string | number | boolean>

function rowOf(report: RunReport, cell: CellView): Row {
  const [cleanRight, cleanTrials, cleanAccuracy, cleanLow, cleanHigh] = numbers(cell.cleanAccuracy)
  const [robustRight, robustTrials, robustAccuracy, robustLow, robustHigh] = numbers(
    cell.robustAccuracy,
  )
  const [fooled, attackTrials, attackSuccess, attackLow, attackHigh] = numbers(cell.attackSuccess)
  return {
    run: report.runId,
    created_at: report.createdAt,
    suite: report.suite,
    dataset: report.dataset.name,
    version: cell.version,
    version_digest: report.versions.find((v) => v.version === cell.version)?.digest ?? '',
    attack: cell.attack,
    label: cell.label,
    norm: cell.norm,
    epsilon: cell.epsilon,
    epsilon_text: formatEpsilon(cell.epsilon),
    constraints: cell.constraints ?? '',
    samples: cell.samples,
    complete: cell.complete,
    clean_right: cleanRight,
    clean_trials: cleanTrials,
    clean_accuracy: cleanAccuracy,
    clean_low: cleanLow,
    clean_high: cleanHigh,
    robust_right: robustRight,
    robust_trials: robustTrials,
    robust_accuracy: robustAccuracy,
    robust_low: robustLow,
    robust_high: robustHigh,
    fooled,
    attack_trials: attackTrials,
    attack_success: attackSuccess,
    attack_success_low: attackLow,
    attack_success_high: attackHigh,
    confidence: cell.robustAccuracy.confidence,
    queries: cell.queries,
    gradients: cell.gradients,
    seconds: cell.seconds,
    seconds_in_runtime: cell.secondsInRuntime,
    notes: cell.notes.join('; '),
  }
}

const trialColumns = [
  'run', 'created_at', 'suite', 'version', 'poison', 'label', 'goal', 'rate', 'rate_of',
  'source', 'target', 'seed', 'poisons', 'fed', 'arm', 'filter', 'removed', 'removed_poisons',
  'clean_right', 'clean_trials', 'attack_successes', 'attack_trials', 'kept_class', 'seconds',
] as const // prettier-ignore

type TrialRow = Record<(typeof trialColumns)[number], string | number>

/** One row per training: version × poison × rate × trial × arm. Empty: any source class; a trainer that cannot tell. */
function trialRows(report: RunReport, { cells }: PoisoningView): TrialRow[] {
  return cells.flatMap((cell) =>
    cell.arms.map((arm): TrialRow => ({
      run: report.runId,
      created_at: report.createdAt,
      suite: report.suite,
      version: cell.version,
      poison: cell.poison,
      label: cell.label,
      goal: cell.goal,
      rate: cell.rate.value,
      rate_of: cell.rate.of,
      source: arm.source ?? '',
      target: arm.target,
      seed: arm.seed,
      poisons: arm.poisons,
      fed: arm.fed ?? '',
      arm: arm.arm,
      filter: arm.filter ?? '',
      removed: arm.removed,
      removed_poisons: arm.removedPoisons,
      clean_right: arm.cleanRight,
      clean_trials: arm.cleanTrials,
      attack_successes: arm.attackSuccesses,
      attack_trials: arm.attackTrials,
      kept_class: arm.recovered,
      seconds: arm.seconds,
    })),
  )
}

function numbers(p: Proportion): [number, number, number, number, number] {
  return [p.successes, p.trials, p.estimate, p.low, p.high]
}

/** Empty for NaN: a share of no trials has no value. */
export function plainNumber(value: number): string {
  return Number.isFinite(value) ? String(value) : ''
}

/**
 * A spreadsheet runs text that begins like a formula; a leading apostrophe makes it text. Control
 * characters, which some readers stop at, become U+FFFD. Numbers, negative ones too, never pass through this.
 * Source: OWASP, "CSV Injection".
 */
export function guardText(text: string): string {
  const isFormula = /^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/.test(text)
  return (isFormula ? `'${text}` : text).replace(/\p{Cs}|[^\P{Cc}\t\n\r]/gu, '\uFFFD')
}
