import { beforeAll, describe, expect, it } from 'vitest'
import { builtInPoisons } from '../../../attacks/poisoning/index.js'
import type { Graph } from '../../../src/graph/ir.js'
import { craft, type Crafted } from '../../../src/poison/craft.js'
import { evaluate } from '../../../src/poison/evaluate.js'
import { measure, type Measured, type MeasureRequest } from '../../../src/poison/measure.js'
import { PoisonRegistry } from '../../../src/poison/registry.js'
import { NetworkSurrogate } from '../../../src/poison/surrogate.js'
import { trainModel } from '../../../src/poison/train-model.js'
import type { LabelledSamples, PoisonRate } from '../../../src/poison/types.js'
import { templates } from '../../helpers/poison-data.js'
import { smallNetwork } from '../../helpers/poison-networks.js'

/** What the papers say of their poisons, on data that a small network learns in a few steps. */
const shape = [1, 8, 8]
const [source, target] = [2, 1]
const train = templates({ count: 400, shape, noise: 0.1 })
const test = templates({ count: 120, shape, seed: 'test', noise: 0.1 })
const registry = new PoisonRegistry(builtInPoisons)

async function trained(data: LabelledSamples, seed = 1): Promise<Graph> {
  const { graph } = smallNetwork({ shape, classes: 4, seed })
  const options = {
    epochs: 12,
    batch: 32,
    learningRate: 0.05,
    optimizer: { kind: 'sgd', momentum: 0.9 },
  } as const
  return (await trainModel({ graph, data, options, seed })).graph
}

let clean: Graph
let surrogate: NetworkSurrogate

beforeAll(async () => {
  clean = await trained(train)
  // Another network than the one that is measured.
  surrogate = await NetworkSurrogate.open(await trained(train, 2), { parameters: 'all' })
})

function crafted(
  id: string,
  rate: PoisonRate,
  params: Readonly<Record<string, unknown>> = {},
  to = target,
): Promise<Crafted> {
  return craft({
    plugin: registry.get(id),
    params: registry.specify(id, params).params,
    train,
    test,
    source,
    target: to,
    rate,
    seed: 1,
    isCancelled: () => false,
    surrogate: async () => surrogate,
  })
}

const measured = (
  id: string,
  graph: Graph,
  { trigger, victims }: Crafted,
  classes: Pick<MeasureRequest, 'source' | 'target'> = { source, target },
): Promise<Measured> =>
  measure({
    predict: async (x) =>
      (await evaluate(graph, x, new Int32Array(x.length / 64), { sampleShape: shape })).predictions,
    test,
    ...classes,
    goal: registry.get(id).goal,
    trigger,
    victims,
  })

const shareOf = ({ successes, trials }: Measured['attackSuccess']): number => successes / trials

describe('the clean network', () => {
  it('is nearly always right', async () => {
    const { accuracy } = await evaluate(clean, test.x, test.labels, { sampleShape: shape })
    expect(accuracy).toBeGreaterThan(0.97)
  })
})

describe.each([
  ['badnets', { value: 0.1, of: 'dataset' }, {}],
  ['blended', { value: 0.1, of: 'dataset' }, {}],
  ['warped', { value: 0.2, of: 'dataset' }, { strength: 0.2, noise: 0 }],
  ['input-aware', { value: 0.2, of: 'dataset' }, { size: 0.25 }],
  ['clean-label', { value: 0.5, of: 'targetClass' }, {}],
] as const)('the backdoor %s', (id, rate, params) => {
  it('is learned, and the rest as well', async () => {
    const poisoned = await crafted(id, rate, params)
    const graph = await trained(poisoned.train)
    const [before, after] = [
      await measured(id, clean, poisoned),
      await measured(id, graph, poisoned),
    ]
    expect(shareOf(before.attackSuccess)).toBeLessThan(0.3)
    expect(shareOf(after.attackSuccess)).toBeGreaterThan(0.8)
    expect(shareOf(after.cleanAccuracy)).toBeGreaterThan(0.93)
  })
})

describe('the backdoor sinusoidal', () => {
  it('is learned by some: a class that is easily learned needs no wave', async () => {
    const rate = { value: 1, of: 'targetClass' } as const
    const poisoned = await crafted('sinusoidal', rate, { delta: 0.3, testDelta: 0.5 }, 3)
    const graph = await trained(poisoned.train)
    const any = { source: null, target: 3 }
    const before = await measured('sinusoidal', clean, poisoned, any)
    const after = await measured('sinusoidal', graph, poisoned, any)
    expect(shareOf(before.attackSuccess)).toBeLessThan(0.1)
    expect(shareOf(after.attackSuccess)).toBeGreaterThan(0.3)
  })
})

describe('label flips', () => {
  it('at random cost accuracy, more at a greater rate', async () => {
    const losses: number[] = []
    for (const value of [0.2, 0.6, 0.75]) {
      const poisoned = await crafted('label-flip', { value, of: 'dataset' })
      expect(poisoned.poisons.every((i) => poisoned.train.labels[i] !== train.labels[i])).toBe(true)
      const { attackSuccess } = await measured(
        'label-flip',
        await trained(poisoned.train),
        poisoned,
      )
      losses.push(shareOf(attackSuccess))
    }
    expect(losses).toEqual(losses.toSorted((a, b) => a - b))
    expect(losses[2]! - losses[0]!).toBeGreaterThan(0.2)
  })

  it('to the target make the source look like it', async () => {
    const poisoned = await crafted('label-flip-targeted', { value: 0.9, of: 'sourceClass' })
    const graph = await trained(poisoned.train)
    const [before, after] = [
      await measured('label-flip-targeted', clean, poisoned),
      await measured('label-flip-targeted', graph, poisoned),
    ]
    expect(shareOf(before.attackSuccess)).toBeLessThan(0.1)
    expect(shareOf(after.attackSuccess)).toBeGreaterThan(0.8)
  })

  it.each(['values', 'features'])('to the nearest class go by the means of %s', async (space) => {
    const poisoned = await crafted('label-flip-nearest', { value: 1, of: 'dataset' }, { space })
    const points = space === 'values' ? train.x : await surrogate.features(train.x)
    const width = points.length / train.count
    const means = Array.from({ length: 4 }, () => new Float64Array(width))
    points.forEach(
      (value, i) => (means[train.labels[Math.floor(i / width)]!]![i % width]! += value),
    )
    const distance = (a: number, b: number): number =>
      means[a]!.reduce((sum, value, i) => sum + (value - means[b]![i]!) ** 2, 0)
    for (let label = 0; label < 4; label++) {
      const given = poisoned.train.labels[label]!
      const others = [0, 1, 2, 3].filter((other) => other !== label && other !== given)
      expect(given).not.toBe(label)
      for (const other of others)
        expect(distance(label, given)).toBeLessThan(distance(label, other))
    }
  })
})

const samplesOf = (data: LabelledSamples, indices: readonly number[]): Float32Array =>
  Float32Array.from(indices.flatMap((i) => [...data.x.subarray(i * 64, (i + 1) * 64)]))

const apart = async (data: LabelledSamples, { poisons, victims }: Crafted) => {
  const [goal, points] = [
    await surrogate.features(samplesOf(test, victims)),
    await surrogate.features(samplesOf(data, poisons)),
  ]
  const width = goal.length
  const mean = new Float64Array(width)
  points.forEach((value, i) => (mean[i % width]! += value / poisons.length))
  return {
    each: poisons.map((_, n) =>
      goal.reduce((sum, value, i) => sum + (value - points[n * width + i]!) ** 2, 0),
    ),
    mean: goal.reduce((sum, value, i) => sum + (value - mean[i]!) ** 2, 0),
  }
}

describe('poisons against one test sample', () => {
  const rate = { value: 0.1, of: 'targetClass' } as const
  it('collide with it in features, each of them', async () => {
    const poisoned = await crafted('feature-collision', rate)
    const [before, after] = [await apart(train, poisoned), await apart(poisoned.train, poisoned)]
    after.each.forEach((distance, n) => expect(distance).toBeLessThan(0.3 * before.each[n]!))
  })

  it('have it in their middle', async () => {
    const poisoned = await crafted('bullseye-polytope', rate, { steps: 100 })
    const [before, after] = [await apart(train, poisoned), await apart(poisoned.train, poisoned)]
    expect(after.mean).toBeLessThan(0.3 * before.mean)
  })

  it('turn the gradient of training', async () => {
    const poisoned = await crafted('gradient-matching', rate, { steps: 60, restarts: 1 })
    const { poisons, victims } = poisoned
    const labels = poisons.map(() => target)
    const wanted = { x: samplesOf(test, victims), labels: [target] }
    const lossOf = async (data: LabelledSamples): Promise<number> =>
      (await surrogate.alignment({ x: samplesOf(data, poisons), labels }, wanted)).loss
    const [before, after] = [await lossOf(train), await lossOf(poisoned.train)]
    expect(after).toBeLessThan(0.75 * before)
    expect(poisoned.notes).toEqual([
      `alignment with the wanted gradient: cosine ${(1 - after).toFixed(2)}`,
    ])
  })
})

describe('gradient matching in fine-tuning', () => {
  const optimizer = { kind: 'sgd', momentum: 0.9 } as const
  const tuned = async (data: LabelledSamples, seed: number, epochs = 8): Promise<Graph> => {
    const options = { epochs, batch: 32, learningRate: 0.01, optimizer }
    return (await trainModel({ graph: clean, data, options, seed })).graph
  }

  /** How far fine-tuning on the poisons brings their victim towards the target class, in logits, beyond clean data. */
  async function moved(from: number, params: Readonly<Record<string, unknown>>): Promise<number> {
    const given = await NetworkSurrogate.open(clean, { parameters: 'all' })
    const { train: poisoned, victims } = await craft({
      plugin: registry.get('gradient-matching'),
      params: registry.specify('gradient-matching', { steps: 60, epsilon: 0.4, ...params }).params,
      train,
      test,
      source: from,
      target,
      rate: { value: 0.02, of: 'dataset' },
      seed: 1,
      isCancelled: () => false,
      surrogate: async () => given,
      retrained: async (data, share) =>
        NetworkSurrogate.open(await tuned(data, 7, Math.ceil(8 * share)), { parameters: 'all' }),
    })
    const gap = async (data: LabelledSamples): Promise<number> => {
      const network = await NetworkSurrogate.open(await tuned(data, 3), { parameters: 'head' })
      const scores = await network.scores(samplesOf(test, victims))
      await network.close()
      return scores[target]! - scores[from]!
    }
    return (await gap(poisoned)) - (await gap(train))
  }

  it.each([0, 2, 3])(
    'pulls a victim of class %i harder by strength and retraining',
    async (from) => {
      const direction = await moved(from, { strength: 0, retrainings: 0 })
      const strong = await moved(from, { retrainings: 0 })
      expect(strong).toBeGreaterThan(direction + 1)
      expect(await moved(from, {})).toBeGreaterThan(strong + 0.4)
    },
  )
})

describe('Sleeper Agent', () => {
  it('turns the gradient of training towards its trigger, and hides that', async () => {
    const rate = { value: 0.2, of: 'targetClass' } as const
    const poisoned = await crafted('sleeper-agent', rate, { steps: 60, examples: 50 })
    const cosine = Number(/cosine (.*)$/.exec(poisoned.notes[0]!)![1])
    expect(cosine).toBeGreaterThan(0.5)
    // No poison carries the patch: it is black and white, which a change within epsilon is not.
    const patched = poisoned.trigger!(new Float32Array(64).fill(0.5), 0)
    const places = [...patched.keys()].filter((i) => patched[i] !== 0.5)
    expect(places).toEqual([54, 55, 62, 63])
    for (const index of poisoned.poisons)
      expect(places.every((i) => poisoned.train.x[index * 64 + i] === patched[i])).toBe(false)
  })
})

describe('availability noise', () => {
  it('shortcut is one noise for each class, as strong as it may be', async () => {
    const all = { value: 1, of: 'dataset' } as const
    const poisoned = await crafted('availability-noise', all, { epsilon: 0.05 })
    const signs = Array.from({ length: train.count }, (_, n) =>
      Array.from({ length: 64 }, (_unused, i) => {
        const [after, before] = [poisoned.train.x[n * 64 + i]!, train.x[n * 64 + i]!]
        const isClipped = before < 0.05 || before > 0.95
        if (!isClipped) expect(Math.abs(after - before)).toBeCloseTo(0.05, 5)
        return isClipped ? 0 : Math.sign(after - before)
      }),
    )
    const agreement = (a: number, b: number): number => {
      const seen = signs[a]!.flatMap((sign, i) => (sign && signs[b]![i] ? [i] : []))
      return seen.filter((i) => signs[a]![i] === signs[b]![i]).length / seen.length
    }
    for (let n = 4; n < 40; n++) expect(agreement(n, n % 4)).toBe(1)
    for (let label = 1; label < 4; label++) expect(agreement(0, label)).toBeLessThan(0.8)
  })

  it('maximise is learned in place of the data', async () => {
    const all = { value: 1, of: 'dataset' } as const
    const poisoned = await crafted('availability-noise', all, {
      kind: 'maximise',
      steps: 40,
      epsilon: 0.25,
    })
    const graph = await trained(poisoned.train)
    const { cleanAccuracy } = await measured('availability-noise', graph, poisoned)
    expect(shareOf(cleanAccuracy)).toBeLessThan(0.75)
  })

  it('minimise makes samples easy for the surrogate', async () => {
    const all = { value: 1, of: 'dataset' } as const
    const poisoned = await crafted('availability-noise', all, { kind: 'minimise', steps: 20 })
    const lossOf = async (x: Float32Array): Promise<number> => {
      const scores = await surrogate.scores(x)
      return train.labels.reduce((sum, label, n) => {
        const row = Array.from(scores.subarray(4 * n, 4 * n + 4))
        return sum + Math.log(row.reduce((s, z) => s + Math.exp(z - row[label]!), 0))
      }, 0)
    }
    expect(await lossOf(poisoned.train.x)).toBeLessThan(0.2 * (await lossOf(train.x)))
  })
})
