import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { builtInPoisons } from '../../../attacks/poisoning/index.js'
import { DetectorRegistry } from '../../../src/audit/data/registry.js'
import type { Detector } from '../../../src/audit/types.js'
import type { Dataset } from '../../../src/data/dataset.js'
import { loadDataset } from '../../../src/data/load.js'
import { GauntletError } from '../../../src/errors.js'
import { loadModel } from '../../../src/onnx/load.js'
import { Controls } from '../../../src/pipeline/controls.js'
import { createLearner } from '../../../src/pipeline/learner.js'
import { rehearseTrial } from '../../../src/pipeline/rehearse.js'
import { labelledOf } from '../../../src/pipeline/samples.js'
import { runTrial } from '../../../src/pipeline/trial.js'
import type { Workshop } from '../../../src/pipeline/workbench.js'
import type { Arm, TrialResult, TrialTask } from '../../../src/plan/trial.js'
import { makeTrials, type PoisonCheck } from '../../../src/plan/trials.js'
import { PoisonRegistry } from '../../../src/poison/registry.js'
import { bandsModel, bandsNpz } from '../../helpers/poison-project.js'

/** Detectors with a known answer; they take down what they were given. */
const asked: string[] = []
const known: readonly Detector[] = [
  detectorOf('first-ten', () => Array.from({ length: 10 }, (_, i) => i), []),
  detectorOf('nothing', () => [], ['model']),
  detectorOf('everything', ({ source }) => Array.from({ length: source.count }, (_, i) => i), []),
  detectorOf(
    'held-out',
    ({ outOfSample, source }) => {
      asked.push(`${outOfSample?.length} of ${source.count}`)
      return []
    },
    ['outOfSample'],
  ),
  {
    ...detectorOf('never', () => [1], []),
    detect: async ({ source }) => ({
      scores: new Float64Array(source.count),
      threshold: 0,
      suspects: Int32Array.of(1),
      notApplicable: 'a test',
    }),
  },
]

function detectorOf(
  id: string,
  find: (context: Parameters<Detector['detect']>[0]) => number[],
  needs: Detector['needs'],
): Detector {
  return {
    id,
    version: 1,
    title: id,
    source: 'a test',
    needs,
    params: z.object({}),
    async detect(context) {
      const suspects = Int32Array.from(find(context))
      return {
        scores: new Float64Array(context.source.count),
        threshold: 0,
        suspects,
        notApplicable: null,
      }
    },
  }
}

const detectors = (...ids: string[]): Partial<PoisonCheck> => ({
  detectors: ids.map((detector) => ({ detector, version: 1, params: {} })),
})

const armsOf = ({ arms }: TrialResult): Map<string, Arm> =>
  new Map(arms.map((arm) => [arm.filter ?? arm.arm, arm]))

const counts = (arm: Arm): Arm => ({ ...arm, seconds: 0 })

const share = ({ successes, trials }: Arm['attackSuccess']): number => successes / trials

describe('runTrial', () => {
  let folder: string
  let train: Dataset
  let test: Dataset
  let digest: string
  const idle = new AbortController().signal
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gauntlet-trial-'))
    writeFileSync(join(folder, 'v1.onnx'), bandsModel())
    writeFileSync(join(folder, 'train.npz'), bandsNpz(150, 1))
    writeFileSync(join(folder, 'test.npz'), bandsNpz(60, 2))
    train = await loadDataset({ path: join(folder, 'train.npz') })
    test = await loadDataset({ path: join(folder, 'test.npz') })
    digest = (await loadModel(join(folder, 'v1.onnx'))).digest
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const shopOf = (controls = new Controls()): Workshop => ({
    dataset: train,
    train: labelledOf(train, 6),
    test: labelledOf(test, 6),
    poisons: new PoisonRegistry(builtInPoisons),
    detectors: new DetectorRegistry(known),
    controls,
    rehearsed: new Set(),
    session: {},
  })
  const tasksOf = (change: Partial<PoisonCheck> = {}, id = 'badnets'): readonly TrialTask[] => {
    const poison = new PoisonRegistry(builtInPoisons).specify(
      id,
      id === 'badnets' ? { size: 0.25 } : {},
    )
    const [cell] = makeTrials({
      models: [
        {
          model: { version: 'v1', path: join(folder, 'v1.onnx'), digest },
          training: {
            kind: 'built-in',
            from: 'scratch',
            epochs: 10,
            batch: 16,
            settings: { optimizer: { kind: 'sgd', momentum: 0.9 }, learningRate: 0.05 },
          },
        },
      ],
      checks: [
        {
          poison,
          rate: { value: 0.2, of: 'dataset' },
          trials: 2,
          source: 'any',
          target: 'drawn',
          detectors: [],
          falsePositiveRate: 0.05,
          ...change,
        },
      ],
      trainingData: { path: join(folder, 'train.npz'), digest: train.digest },
      dataset: { path: join(folder, 'test.npz'), digest: test.digest },
      classes: 6,
      seed: 1,
      provider: 'cpu',
      batch: 64,
    })
    return cell!.tasks
  }

  it('measures a backdoor in all arms: it works, and is gone without the poisoned samples', async () => {
    const [task] = tasksOf()
    const result = await runTrial(task!, shopOf(), idle)
    const arms = armsOf(result)
    expect([...arms.keys()]).toEqual(['clean', 'poisoned', 'random', 'oracle'])
    expect(result).toMatchObject({ key: task!.key, target: task!.target, poisons: 30, fed: 30 })
    expect(share(arms.get('poisoned')!.attackSuccess)).toBeGreaterThan(0.9)
    for (const name of ['clean', 'oracle'])
      expect(share(arms.get(name)!.attackSuccess)).toBeLessThan(0.2)
    for (const arm of arms.values()) {
      expect(share(arm.cleanAccuracy)).toBeGreaterThan(0.8)
      // Signal B2: no sample of the target class is among them.
      expect(arm.attackSuccess.trials).toBe(50)
      expect(arm.cleanAccuracy.trials).toBe(60)
    }
    // Without a detector as many as are poisoned.
    expect(arms.get('random')!.removed).toBe(30)
    expect(arms.get('oracle')).toMatchObject({ removed: 30, removedPoisons: 30 })
    expect(result.secondsInRuntime).toBeGreaterThan(0)
    expect(result.examples).toHaveLength(4)
    for (const { clean, poisoned, label, poisonedLabel, shape } of result.examples!) {
      const [before, after] = [clean, poisoned].map((levels) => Buffer.from(levels, 'base64'))
      expect(before).toHaveLength(shape.reduce((product, side) => product * side, 1))
      expect(after).not.toEqual(before)
      expect([label === task!.target, poisonedLabel]).toEqual([false, task!.target])
    }
  })

  it('gives the same result with the clean training of another poison at hand as without', async () => {
    const controls = new Controls()
    const [task] = tasksOf(detectors('first-ten', 'held-out'))
    const [other] = tasksOf(detectors('first-ten', 'held-out'), 'label-flip')
    await runTrial(other!, shopOf(controls), idle)
    const [warm, cold] = [
      await runTrial(task!, shopOf(controls), idle),
      await runTrial(task!, shopOf(), idle),
    ]
    expect(warm.arms.map(counts)).toEqual(cold.arms.map(counts))
    expect(warm.detectors).toEqual(cold.detectors)
    expect(warm.paths).toEqual(cold.paths)
  })

  it('trains once more on what each detector leaves, and at random on as many', async () => {
    const [task] = tasksOf(detectors('first-ten', 'nothing'))
    const result = await runTrial(task!, shopOf(), idle)
    const arms = armsOf(result)
    expect([...arms.keys()]).toEqual([
      'clean',
      'poisoned',
      'first-ten',
      'nothing',
      'random',
      'oracle',
    ])
    expect(arms.get('first-ten')!.removed).toBe(10)
    expect(arms.get('random')!.removed).toBe(10)
    expect(counts(arms.get('nothing')!)).toEqual({
      ...counts(arms.get('poisoned')!),
      arm: 'filtered',
      filter: 'nothing',
    })
    const [first, nothing] = result.detectors
    expect(first).toMatchObject({
      detector: 'first-ten',
      flagged: 10,
      flaggedInControl: 10,
      samples: 150,
    })
    expect(first!.truePositives).toBe(arms.get('first-ten')!.removedPoisons)
    expect(nothing).toMatchObject({ flagged: 0, truePositives: 0, flaggedInControl: 0 })
  })

  it('leaves out arms of detectors that do not apply or leave nothing, and says so', async () => {
    const [task] = tasksOf(detectors('everything', 'never'))
    const result = await runTrial(task!, shopOf(), idle)
    expect([...armsOf(result).keys()]).toEqual(['clean', 'poisoned', 'oracle'])
    expect(result.notes.join()).toMatch(/everything leaves 0 samples: not trained/)
    expect(result.detectors[1]).toMatchObject({ detector: 'never', notApplicable: 'a test' })
  })

  it('gives out-of-sample probabilities to detectors that ask for them', async () => {
    asked.length = 0
    const [task] = tasksOf(detectors('held-out'))
    await runTrial(task!, shopOf(), idle)
    expect(asked).toEqual(['900 of 150', '900 of 150'])
  })

  // Signal B12.
  it('counts the poisons that really were fed', async () => {
    const { model } = tasksOf()[0]!
    const { graph } = await loadModel(model.path)
    const { x, labels } = labelledOf(train, 6)
    const learner = createLearner({
      // The rest of an epoch, fewer than a batch, is left out: 6 of 150 samples never get in.
      spec: {
        kind: 'built-in',
        from: 'scratch',
        epochs: 1,
        batch: 16,
        settings: { optimizer: { kind: 'sgd' }, learningRate: 0.05, dropLast: true },
      },
      graph,
      path: model.path,
      input: { sampleShape: train.shape },
      dataset: train,
      session: {},
    })
    const watch = Array.from(labels.keys())
    expect(await learner({ x, labels }, { seed: 1, watch, signal: idle })).toMatchObject({
      fed: 144,
    })
  })

  it('ends between steps when it is interrupted', async () => {
    const [task] = tasksOf()
    const controller = new AbortController()
    const call = runTrial(task!, shopOf(), controller.signal)
    controller.abort(new GauntletError('GNT_INTERRUPTED', { what: 'interrupted' }))
    await expect(call).rejects.toMatchObject({ code: 'GNT_INTERRUPTED' })
  })

  it('is tried out before: what cannot work is refused', async () => {
    const [task] = tasksOf()
    await expect(rehearseTrial(task!, shopOf(), idle)).resolves.toBeUndefined()
    const [tiny] = tasksOf({ rate: { value: 0.001, of: 'dataset' } })
    await expect(rehearseTrial(tiny!, shopOf(), idle)).rejects.toThrow(/comes to no sample/)
    const changed = { ...task!, model: { ...task!.model, digest: 'other' } }
    await expect(rehearseTrial(changed, shopOf(), idle)).rejects.toThrow(/model file changed/)
    const foreign = shopOf()
    const labels = foreign.test.labels.map((label) => label + 1)
    await expect(
      rehearseTrial(task!, { ...foreign, test: { ...foreign.test, labels } }, idle),
    ).rejects.toThrow(/label is outside the classes of the model .*got 6, expected 0 to 5/)
  })
})
