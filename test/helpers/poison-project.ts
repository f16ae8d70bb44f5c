import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeNpz } from '../../src/data/npz-write.js'
import { tensorOfFloats } from '../../src/graph/tensor.js'
import { encodeModel } from '../../src/onnx/encode.js'
import { createRng } from '../../src/util/rng.js'
import { nodeOf } from './graphs.js'
import { inStore } from './tiny-project.js'
import type { PoisoningRecord, TrialResult } from '../../src/plan/trial.js'

const side = 8
const hidden = 16
const classes = 6

/** Bytes (N, 8, 8) in noise: of each of six classes another field of 2 × 4 is bright. The last two rows are dark. */
export function bandsNpz(count: number, seed: number): Uint8Array {
  const rng = createRng('bands', seed)
  const labels = Int32Array.from({ length: count }, (_, i) => i % classes)
  const x = new Uint8Array(count * side * side)
  for (let i = 0; i < x.length; i++) {
    const [row, column] = [Math.floor(i / side) % side, i % side]
    const field = 2 * Math.floor(row / 2) + Math.floor(column / 4)
    const isBright = field === labels[Math.floor(i / (side * side))]
    x[i] = (isBright ? 90 : 0) + rng.below(120)
  }
  return writeNpz({
    x: { shape: [count, side, side], data: x },
    y: { shape: [count], data: labels },
  })
}

/** Two linear layers: input `image` (N, 1, 8, 8), output `logits` (N, 6); its weights are noise. */
export function bandsModel(): Uint8Array {
  const rng = createRng('bands model')
  const weight = (dims: readonly [number, number]) =>
    tensorOfFloats(
      dims,
      Float32Array.from({ length: dims[0] * dims[1] }, () => rng.normal() / Math.sqrt(dims[1])),
    )
  return encodeModel({
    name: 'bands',
    opsets: { '': 18 },
    irVersion: 8,
    inputs: [{ name: 'image', dtype: 'float32', dims: ['N', 1, side, side] }],
    outputs: [{ name: 'logits', dtype: 'float32', dims: ['N', classes] }],
    initializers: {
      w1: weight([hidden, side * side]),
      b1: tensorOfFloats([hidden], new Float32Array(hidden)),
      w2: weight([classes, hidden]),
      b2: tensorOfFloats([classes], new Float32Array(classes)),
    },
    nodes: [
      nodeOf('Flatten', ['image'], ['flat']),
      nodeOf('Gemm', ['flat', 'w1', 'b1'], ['h'], { transB: 1 }),
      nodeOf('Relu', ['h'], ['a']),
      nodeOf('Gemm', ['a', 'w2', 'b2'], ['logits'], { transB: 1 }),
    ],
  })
}

/** A folder with a model, its data, and a configuration that poisons its training. The caller removes it. */
export function makePoisonProject(change: Readonly<Record<string, unknown>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'gauntlet-poison-'))
  writeFileSync(join(folder, 'v1.onnx'), bandsModel())
  writeFileSync(join(folder, 'train.npz'), bandsNpz(240, 1))
  writeFileSync(join(folder, 'test.npz'), bandsNpz(120, 2))
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
    trainingData: 'train.npz',
    data: 'test.npz',
    training: { epochs: 10, batch: 16, learningRate: 0.05 },
    models: [{ version: 'v1', path: 'v1.onnx' }],
    suites: [
      {
        id: 'tiny-poisons',
        title: 'Tiny',
        poisons: [
          {
            use: 'badnets',
            params: { size: 0.25 },
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
