import { expect } from 'vitest'
import type { ModelAudit } from '../../src/audit/model/result.js'
import type { Outcome, Task, TaskResult } from '../../src/plan/task.js'
import type { TrialResult } from '../../src/plan/trial.js'
import type { CellPlan, NewRun } from '../../src/store/types.js'

/** A digest-like key: 64 hex digits, different for different numbers. */
export function sampleKey(n: number): string {
  return n.toString(16).padStart(64, 'c0ffee')
}

export const sampleAudit: ModelAudit = {
  schema: 'gauntlet-model-audit/1',
  status: 'complete',
  model: { file: 'v1.onnx', digest: 'd1', accuracy: 0.5 },
  samples: 300,
  seeds: [1, 2, 3],
  classes: [],
  flagged: [7],
  newlyReachable: [],
  findings: [],
  seconds: 2.5,
}

export function sampleTask(n: number, from: number, to: number, cell = 'cell-a'): Task {
  return {
    key: sampleKey(n),
    cell,
    model: { version: 'v1', path: 'models/v1.onnx', digest: 'd1' },
    attack: {
      attack: 'pgd',
      version: 2,
      params: { steps: 40, relStepSize: 0.1 },
      restarts: 3,
      label: 'PGD-40',
    },
    threat: { norm: 'linf', epsilon: 8 / 255, bounds: [0, 1], goal: { kind: 'untargeted' } },
    dataset: { path: 'data/test.npz', range: [0, 255], digest: 'dd' },
    from,
    to,
    seed: 7,
    provider: 'cpu',
    batch: 64,
    keepExamples: 2,
  }
}

/** Different for every sample, so that a mixed-up row is seen. */
export function sampleOutcome(sample: number): Outcome {
  return {
    sample,
    label: sample % 10,
    cleanPrediction: sample % 7,
    adversarialPrediction: (sample + 1) % 10,
    success: sample % 3 === 0,
    distance: sample / 1024 + 1e-17,
    queries: 40 + sample,
    gradients: sample % 40,
  }
}

export function sampleResult(task: Task, overrides: Partial<TaskResult> = {}): TaskResult {
  const samples = Array.from({ length: task.to - task.from }, (_, i) => task.from + i)
  return {
    key: task.key,
    outcomes: samples.map(sampleOutcome),
    examples: samples
      .slice(0, 2)
      .map((sample) => ({ sample, xAdv: Float32Array.of(sample, 0.1, -0, 1e-40) })),
    seconds: 1.5,
    secondsInRuntime: 1.25,
    notes: [],
    ...overrides,
  }
}

/** The cell that `tasks` are the shards of. */
export function sampleCell(tasks: readonly Task[], overrides: Partial<CellPlan> = {}): CellPlan {
  const first = tasks[0] ?? sampleTask(0, 0, 0)
  return {
    id: first.cell,
    model: first.model,
    attack: first.attack,
    threat: first.threat,
    dataset: first.dataset,
    from: Math.min(...tasks.map((task) => task.from)),
    to: Math.max(...tasks.map((task) => task.to)),
    tasks: tasks.map((task) => task.key),
    ...overrides,
  }
}

export function sampleRun(id: string, overrides: Partial<NewRun> = {}): NewRun {
  return {
    id,
    suite: 'quick',
    title: 'Quick check',
    seed: 7,
    planDigest: 'plan-1',
    manifest: { engine: '0.1.0' },
    cells: [sampleCell([sampleTask(1, 0, 4), sampleTask(2, 4, 7)])],
    ...overrides,
  }
}

/** What an error of GNT_STORE_NOT_FOUND must match. */
export function notFound(message: RegExp) {
  return {
    code: 'GNT_STORE_NOT_FOUND',
    message: expect.stringMatching(message) as string,
  }
}

export function sampleTrial(key: string): TrialResult {
  const arm = {
    removed: 0,
    removedPoisons: 0,
    cleanAccuracy: { successes: 90, trials: 100 },
    attackSuccess: { successes: 1, trials: 80 },
    attackedAccuracy: { successes: 70, trials: 80 },
    seconds: 1.5,
  }
  return {
    key,
    source: null,
    target: 3,
    seed: 7,
    poisons: 12,
    fed: null,
    arms: [
      { arm: 'clean', filter: null, ...arm },
      { arm: 'filtered', filter: 'oracle', ...arm, removed: 12, removedPoisons: 12 },
    ],
    detectors: [
      {
        detector: 'spectral',
        flagged: 14,
        truePositives: 11,
        flaggedInControl: 3,
        samples: 240,
        notApplicable: null,
      },
    ],
    paths: { 'jpeg 75': { successes: 70, trials: 80 } },
    seconds: 9,
    secondsInRuntime: 8,
    notes: ['検査'],
  }
}
