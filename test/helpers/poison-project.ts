import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inStore } from './tiny-project.js'
import { linearModel } from './tiny-models.js'
import type { PoisoningRecord, TrialResult } from '../../src/plan/trial.js'

/** A folder with a linear model of the glyphs and a configuration that poisons its training. The caller removes it. */
export async function makePoisonProject(change: Readonly<Record<string, unknown>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'gauntlet-poison-'))
  writeFileSync(join(folder, 'v1.onnx'), await linearModel())
  writePoisonConfig(folder, change)
  return folder
}

/** 2 poisons, one of them at 2 rates, of 2 trials each. */
export const poisonTrials = 6

export function writePoisonConfig(
  folder: string,
  change: Readonly<Record<string, unknown>> = {},
  name = 'gauntlet.config.json',
): void {
  const config = {
    title: 'Tiny',
    trainingData: { path: 'glyphs', limit: 240, seed: 2 },
    data: { path: 'glyphs', limit: 120 },
    training: { epochs: 4, learningRate: 0.02 },
    models: [{ version: 'v1', path: 'v1.onnx' }],
    suites: [
      {
        id: 'tiny-poisons',
        title: 'Tiny',
        poisons: [
          {
            use: 'badnets',
            trials: 2,
            rates: [
              { value: 0.1, of: 'dataset' },
              { value: 0.5, of: 'targetClass' },
            ],
          },
          { use: 'label-flip', trials: 2, rates: [{ value: 0.3, of: 'dataset' }] },
        ],
        detectors: ['spectral-signatures'],
      },
    ],
    workers: 2,
    report: { formats: ['json'] },
    ...change,
  }
  writeFileSync(join(folder, name), JSON.stringify(config))
}

/** The trials of the latest run by cell, without what differs from run to run. */
export async function trialsOfLatest(
  folder: string,
): Promise<{ record: PoisoningRecord; results: TrialResult[] }[]> {
  return await inStore(folder, async (store) => {
    const run = await store.getRun('latest')
    const records = run.manifest['poisonings'] as PoisoningRecord[]
    const known = await store.trialsOf(records.flatMap(({ keys }) => keys))
    return records.map((record) => ({
      record,
      results: record.keys.flatMap((key) => {
        const result = known.get(key)
        return result ? [withoutTimes(result)] : []
      }),
    }))
  })
}

function withoutTimes(result: TrialResult): TrialResult {
  const arms = result.arms.map((arm) => ({ ...arm, seconds: 0 }))
  return { ...result, arms, seconds: 0, secondsInRuntime: 0 }
}
