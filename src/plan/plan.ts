import type { DatasetSpec } from '../data/dataset.js'
import { formatConstraints, formatEpsilon, type ThreatModel } from '../threat/threat-model.js'
import { digestJson } from '../util/hash.js'
import { examinationKey, taskKey } from './key.js'
import type { AttackSpec, ExaminationTask, ModelSpec, Task } from './task.js'
import type { TrialCell } from './trial.js'

export interface PlanInput {
  readonly models: readonly ModelSpec[]
  /** Models that attacks are crafted on, by the name that an attack gives. */
  readonly surrogates?: ReadonlyMap<string, ModelSpec> | undefined
  /** Attack × threat pairs, in the order they shall run. */
  readonly checks: readonly {
    readonly attack: AttackSpec
    readonly threat: ThreatModel
    /** The attack needs all samples together: its cells are one task each. Default false. */
    readonly isUndivided?: boolean
  }[]
  readonly dataset: DatasetSpec & { readonly digest: string }
  readonly samples: number
  readonly seed: number
  readonly devices: readonly string[]
  readonly batch: number
  readonly keepExamples: number | 'all'
  /** Trials of poisons; see `makeTrials`. Default none. */
  readonly trialCells?: readonly TrialCell[] | undefined
  /** Whether each version is examined. Default no. */
  readonly examines?: boolean | undefined
  /**
   * Makes the number of tasks of a cell a multiple of this, so that so many workers finish one cell together. Changes the
   * keys; a plan with many cells balances itself. Default 1.
   */
  readonly multipleOf?: number
}

/** One model version under one attack and threat model, over all samples. */
export interface Cell {
  /** Unique within a plan, readable: `v2 / PGD-40 / linf 8/255`. */
  readonly id: string
  readonly model: ModelSpec
  readonly attack: AttackSpec
  readonly threat: ThreatModel
  readonly tasks: readonly Task[]
}

export interface Plan {
  /** Equal plans (same task keys in the same cells) have equal digests. */
  readonly digest: string
  readonly cells: readonly Cell[]
  /** One a version, in the order of the versions; none if not asked for. */
  readonly examinations: readonly ExaminationTask[]
  readonly trialCells: readonly TrialCell[]
  readonly dataset: DatasetSpec & { readonly digest: string }
}

/** Samples in a task: enough for full batches, few enough that an interrupted run loses little. */
const shardSize = 64

/** Fewer samples than this are not worth a task of their own. */
const smallestShard = 8

/**
 * Cells and their tasks. Shards of a cell are of nearly equal size, so that two workers finish together.
 * Model by model, so that a worker's cached sessions are used up before the next model's are opened.
 */
export function makePlan(input: PlanInput): Plan {
  const parts = shards(input.samples, Math.max(shardSize, input.batch), input.multipleOf ?? 1)
  const whole = [[0, input.samples]] as const
  const seen = new Map<string, number>()
  const cells = input.models.flatMap((model) =>
    input.checks.map(({ attack, threat, isUndivided = false }): Cell => {
      const goal = threat.goal.kind === 'targeted' ? ` to ${threat.goal.target}` : ''
      const constraints = formatConstraints(threat)
      const more = `${constraints && `, ${constraints}`}${goal}`
      const name = `${model.version} / ${attack.label} / ${threat.norm} ${formatEpsilon(threat.epsilon)}${more}`
      const count = (seen.get(name) ?? 0) + 1
      seen.set(name, count)
      const id = count === 1 ? name : `${name} #${count}`
      const tasks = (isUndivided ? whole : parts).map(([from, to]): Task => {
        const { dataset, seed, batch, keepExamples } = input
        const provider = providerOf(input)
        // Crafted on itself, it is the attack as it always is.
        const surrogate =
          attack.surrogate === model.version
            ? undefined
            : input.surrogates?.get(attack.surrogate ?? '')
        const content = { model, attack, surrogate, threat, dataset, from, to, seed, provider }
        return { key: taskKey(content), cell: id, ...content, batch, keepExamples }
      })
      return { id, model, attack, threat, tasks }
    }),
  )
  // Without an attack there is nothing whose evaluation could be in doubt.
  const isExamined = input.examines && input.checks.length > 0
  const examinations = isExamined ? examinationsOf(input) : []
  const content = cells.map((cell) => [cell.id, cell.tasks.map((task) => task.key)])
  const trialCells = input.trialCells ?? []
  const trials = trialCells.map((cell) => [cell.id, cell.tasks.map((task) => task.key)])
  return {
    cells,
    examinations,
    trialCells,
    dataset: input.dataset,
    digest: digestJson([...content, ...examinations.map(({ key }) => key), ...trials]),
  }
}

/** Samples that an examination sees at most. */
const examined = 256

function examinationsOf(input: PlanInput): ExaminationTask[] {
  const widest = new Map<string, ThreatModel>()
  for (const { threat } of input.checks) {
    const kind = JSON.stringify([threat.norm, threat.goal])
    if (threat.epsilon > (widest.get(kind)?.epsilon ?? 0)) widest.set(kind, threat)
  }
  return input.models.map((model) => {
    const { dataset, seed, batch } = input
    const content = {
      model,
      threats: [...widest.values()],
      dataset,
      from: 0,
      to: Math.min(examined, input.samples),
      seed,
      provider: providerOf(input),
    }
    return {
      key: examinationKey(content),
      cell: `${model.version} / self-audit`,
      ...content,
      batch,
    }
  })
}

/** What of the devices decides over a result. */
export const providerOf = ({ devices }: Pick<PlanInput, 'devices'>): string =>
  [...devices].sort().join('+')

function shards(samples: number, most: number, multipleOf: number): [number, number][] {
  const least = Math.ceil(samples / most)
  const rounded = Math.ceil(least / multipleOf) * multipleOf
  const count = Math.max(1, least, Math.min(rounded, Math.floor(samples / smallestShard)))
  return Array.from({ length: count }, (_, i) => [
    Math.floor((i * samples) / count),
    Math.floor(((i + 1) * samples) / count),
  ])
}
