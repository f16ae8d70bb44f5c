import { digestJson } from '../util/hash.js'
import type { ExaminationTask, ModelSpec, Task } from './task.js'
import type { TrainingSpec, TrialTask } from './trial.js'

/**
 * Raised when the harness itself would give different results for the same task: projections, random
 * streams, verification, compiled graphs. Results of an older engine are then not reused.
 */
export const engineVersion = 6

/**
 * The content key of a task: SHA-256 over everything that can change its result, and nothing else. The
 * version's name, its path, the batch size and the number of workers are not in it.
 */
export function taskKey(task: Omit<Task, 'key' | 'cell' | 'batch' | 'keepExamples'>): string {
  const { model, attack, surrogate, threat, dataset } = task
  return digestJson({
    engine: engineVersion,
    model: contentOf(model),
    attack: {
      id: attack.attack,
      version: attack.version,
      params: attack.params,
      restarts: attack.restarts,
      ...(attack.eot === undefined ? {} : { eot: attack.eot }),
      ...(surrogate ? { surrogate: contentOf(surrogate) } : {}),
    },
    threat,
    dataset: dataset.digest,
    from: task.from,
    to: task.to,
    seed: task.seed,
    provider: task.provider,
  })
}

/** Raised when an examination would find other things for the same task. */
const examinationVersion = 1

/** The content key of an examination, as `taskKey` of a task. */
export function examinationKey(task: Omit<ExaminationTask, 'key' | 'cell' | 'batch'>): string {
  const { model, dataset, threats, from, to, seed, provider } = task
  return digestJson({
    engine: engineVersion,
    examination: examinationVersion,
    model: contentOf(model),
    dataset: dataset.digest,
    threats,
    from,
    to,
    seed,
    provider,
  })
}

/** Raised when a trial would find other things for the same task: training, filters, counting. */
const trialVersion = 1

/** The content key of a trial, as `taskKey` of a task. */
export function trialKey(task: Omit<TrialTask, 'key' | 'cell' | 'batch'>): string {
  const { model, training, poison, rate, source, target, seed, detectors } = task
  const { trainingData, dataset, falsePositiveRate, provider } = task
  return digestJson({
    engine: engineVersion,
    trial: trialVersion,
    model: contentOf(model),
    training: trainingContent(training),
    poison: { id: poison.poison, version: poison.version, params: poison.params },
    rate,
    source,
    target,
    seed,
    trainingData: trainingData.digest,
    dataset: dataset.digest,
    detectors,
    falsePositiveRate,
    provider,
  })
}

/** What of a training decides over its result: a command is the same wherever it starts, as long as its files are. */
function trainingContent(training: TrainingSpec): unknown {
  if (training.kind === 'built-in') return training
  const { kind, command, shell, digest } = training
  return { kind, command, shell, digest }
}

/** What of a model decides over a result: not its name, nor where it lies. */
function contentOf(model: ModelSpec): Omit<ModelSpec, 'version' | 'path'> {
  const { digest, layout, mean, std, input, output, constants } = model
  return { digest, layout, mean, std, input, output, constants }
}
