import { digestJson } from '../util/hash.js'
import type { Task } from './task.js'

/**
 * Raised when the harness itself would give different results for the same task: projections, random
 * streams, verification, compiled graphs. Results of an older engine are then not reused.
 */
export const engineVersion = 2

/**
 * The content key of a task: SHA-256 over everything that can change its result, and nothing else. The
 * version's name, its path, the batch size and the number of workers are not in it.
 */
export function taskKey(task: Omit<Task, 'key' | 'cell' | 'batch' | 'keepExamples'>): string {
  const { model, attack, threat, dataset } = task
  return digestJson({
    engine: engineVersion,
    model: {
      digest: model.digest,
      layout: model.layout,
      mean: model.mean,
      std: model.std,
      input: model.input,
      output: model.output,
      constants: model.constants,
    },
    attack: {
      id: attack.attack,
      version: attack.version,
      params: attack.params,
      restarts: attack.restarts,
    },
    threat,
    dataset: dataset.digest,
    from: task.from,
    to: task.to,
    seed: task.seed,
    provider: task.provider,
  })
}
