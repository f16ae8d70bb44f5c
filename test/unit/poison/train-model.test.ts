import { describe, expect, it } from 'vitest'
import { drawGlyphs } from '../../../src/data/glyphs.js'
import { floats } from '../../../src/graph/tensor.js'
import { evaluate } from '../../../src/poison/evaluate.js'
import { rowDigest } from '../../../src/poison/fed-rows.js'
import {
  trainModel,
  type EpochRecord,
  type TrainedModel,
  type TrainingData,
  type TrainModelOptions,
  type TrainingProgress,
  type TrainingRequest,
} from '../../../src/poison/train-model.js'
import { normalisedNetwork } from '../../helpers/trainable.js'

const shape = [1, 28, 28]
const pixels = 784

function glyphs(count: number, from = 0): TrainingData & { readonly x: Uint8Array } {
  const { values, labels } = drawGlyphs({ count, seed: 3, from })
  return { x: values, labels, shape, divisor: 255 }
}

const quick = {
  weights: 'fresh',
  epochs: 1,
  batch: 16,
  learningRate: 0.05,
  optimizer: { kind: 'sgd', momentum: 0.9 },
} as const satisfies TrainModelOptions

const train = (
  change: Partial<TrainingRequest['options']> = {},
  request: Partial<TrainingRequest> = {},
): Promise<TrainedModel> =>
  trainModel({
    graph: normalisedNetwork(),
    data: glyphs(50),
    seed: 1,
    ...request,
    options: { ...quick, ...change },
  })

const dense = ({ graph }: TrainedModel): number[] =>
  Array.from(floats(graph.initializers['dense.weight']!))

describe('a training from nothing', () => {
  it('learns glyphs, and what it learned is what the graph it returns does', async () => {
    const data = glyphs(512)
    const trained = await train({ epochs: 4, batch: 32 }, { data })
    const losses = trained.history.map(({ loss }: EpochRecord) => loss)
    expect(losses[0]).toBeGreaterThan(1)
    expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!)
    const test = glyphs(200, 5000)
    const x = Float32Array.from(test.x, (value) => value / 255)
    const untrained = await evaluate(normalisedNetwork(), x, test.labels)
    const { accuracy, correct, predictions } = await evaluate(trained.graph, x, test.labels)
    expect(untrained.accuracy).toBeLessThan(0.3)
    expect(accuracy).toBeGreaterThan(0.4)
    expect(correct).toBe(predictions.filter((one, i) => one === test.labels[i]).length)
    expect(trained.graph.nodes).toEqual(normalisedNetwork().nodes)
  }, 60_000)

  it('is the same for the same seed, and another one for another', async () => {
    const [a, b, c] = [await train(), await train(), await train({}, { seed: 2 })]
    expect(dense(a)).toEqual(dense(b))
    expect(dense(a)).not.toEqual(dense(c))
  })

  it('does not depend on what the file had for weights; fine-tuning does', async () => {
    const other = normalisedNetwork({ seed: 9 })
    expect(dense(await train({}, { graph: other }))).toEqual(dense(await train()))
    const tuned = await train({ weights: 'given' }, { graph: other })
    expect(dense(tuned)).not.toEqual(dense(await train({ weights: 'given' })))
  })
})

describe('what is fed', () => {
  it('is every row once in each epoch, the last ones in a smaller batch', async () => {
    const seen: TrainingProgress[] = []
    const { steps, fed } = await train(
      { epochs: 2 },
      { watch: [0, 49], onProgress: (progress) => seen.push(progress) },
    )
    expect(steps).toBe(8)
    expect(seen.map(({ step, epoch }) => [step, epoch]).at(-1)).toEqual([8, 2])
    expect(fed.rows).toBe(50)
    expect(fed.watched.map(({ row, steps: times }) => [row, times])).toEqual([
      [0, 2],
      [49, 2],
    ])
  })

  it.each([
    ['with dropLast', 50, { dropLast: true }, 3],
    ['where a single row is left over', 49, {}, 3],
    ['never, with fewer rows than a batch', 10, {}, 1],
  ])('leaves the rest out %s', async (_, count, options, steps) => {
    const trained = await train(options, { data: glyphs(count) })
    expect(trained.steps).toBe(steps)
    expect(trained.fed.rows).toBe(Math.min(count, 48))
  })

  it('is taken down with label and values, before augmentation', async () => {
    const data = glyphs(50)
    const { fed } = await train({ augmentation: { crop: 4, flip: 0.5 } }, { data, watch: [7] })
    const row = Float32Array.from(data.x.subarray(7 * pixels, 8 * pixels), (value) => value / 255)
    expect(fed.watched[0]?.digests).toEqual([rowDigest(row, data.labels[7]!)])
    const flipped = {
      ...data,
      labels: Array.from(data.labels).map((label, i) => (i === 7 ? 9 - label : label)),
    }
    const poisoned = await train({}, { data: flipped, watch: [7] })
    expect(poisoned.fed.watched[0]?.digests).not.toEqual(fed.watched[0]?.digests)
    expect(poisoned.fed.digest).not.toBe(fed.digest)
  })

  it('changes the outcome when it is augmented', async () => {
    const [moved] = (await train({ augmentation: { crop: 4 } })).history
    expect(moved?.loss).not.toBe((await train()).history[0]?.loss)
  })
})

describe('what cannot go on', () => {
  it('stops between steps when it is asked to', async () => {
    const stop = new AbortController()
    let steps = 0
    const training = train(
      { epochs: 5 },
      {
        signal: stop.signal,
        onProgress: () => {
          if (++steps === 3) stop.abort(new Error('enough'))
        },
      },
    )
    await expect(training).rejects.toThrow('enough')
    expect(steps).toBe(3)
  })

  it('says what to do when it diverges', async () => {
    const training = train({ learningRate: 1e20, epochs: 3 })
    await expect(training).rejects.toMatchObject({
      code: 'GNT_TRAIN_DIVERGED',
      exitCode: 2,
      detail: { fix: expect.stringContaining('lower the learning rate') },
    })
  })

  it.each([
    ['no epochs', { epochs: 0 }, {}, 'GNT_USAGE'],
    ['half a row', { batch: 0.5 }, {}, 'GNT_USAGE'],
    ['no learning rate', { learningRate: 0 }, {}, 'GNT_USAGE'],
    ['a probability above 1', { augmentation: { flip: 2 } }, {}, 'GNT_USAGE'],
    ['a warm-up longer than all', { schedule: { kind: 'cosine', warmUp: 2 } }, {}, 'GNT_USAGE'],
    ['no samples', {}, { data: { ...glyphs(0) } }, 'GNT_DATA_SHAPE'],
    ['fewer labels', {}, { data: { ...glyphs(4), labels: [1] } }, 'GNT_DATA_SHAPE'],
    ['class 10 of 10', {}, { data: { ...glyphs(2), labels: [10, 0] } }, 'GNT_DATA_VALUES'],
  ] as const)('%s', async (_, options, request, code) => {
    await expect(train(options, request)).rejects.toMatchObject({ code })
  })
})
