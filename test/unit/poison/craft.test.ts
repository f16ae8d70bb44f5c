import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { builtInPoisons } from '../../../attacks/poisoning/index.js'
import { budgetOf } from '../../../src/poison/budget.js'
import { craft, type CraftRequest } from '../../../src/poison/craft.js'
import { PoisonRegistry } from '../../../src/poison/registry.js'
import {
  definePoison,
  type PoisonContext,
  type Poisoned,
  type PoisonPlugin,
} from '../../../src/poison/types.js'
import { templates } from '../../helpers/poison-data.js'

const train = templates({ count: 40, shape: [1, 8, 8] })
const test = templates({ count: 12, shape: [1, 8, 8], seed: 'test' })

/** A poison that does what it is told to, with the rest of an honest one. */
function poisonOf(
  poison: (context: PoisonContext) => Poisoned,
  more: Partial<PoisonPlugin> = {},
): PoisonPlugin {
  return {
    ...definePoison({
      id: 'bad',
      version: 1,
      title: 'Bad',
      source: 'here',
      goal: 'availability',
      labels: 'changed',
      from: 'target',
      needs: [],
      params: z.object({}),
      label: () => 'bad',
      poison: async (context) => poison(context),
    }),
    ...more,
  }
}

const requestOf = (plugin: PoisonPlugin, more: Partial<CraftRequest> = {}): CraftRequest => ({
  plugin,
  params: {},
  train,
  test,
  source: 2,
  target: 1,
  rate: { value: 0.5, of: 'targetClass' },
  seed: 1,
  isCancelled: () => false,
  surrogate: () => Promise.reject(new Error('no surrogate here')),
  ...more,
})

const spoiling = (sample: Float32Array): Float32Array => sample.fill(0)
const x = (value = 0.5): Float32Array => new Float32Array(64).fill(value)
const backdoor = { goal: 'backdoor' } as const
const samples = [{ index: 1, label: 0 }]

describe('crafting', () => {
  it('gives a copy of the data with the poisons in it', async () => {
    const kept = { x: train.x.slice(), labels: train.labels.slice() }
    const plugin = poisonOf(() => ({ samples: [{ index: 9, x: x(1) }, ...samples] }))
    const crafted = await craft(requestOf(plugin))
    expect(crafted.poisons).toEqual([1, 9])
    expect(crafted.train.labels[1]).toBe(0)
    expect(crafted.train.x.subarray(9 * 64, 10 * 64)).toEqual(x(1))
    expect(crafted.train.x.subarray(0, 9 * 64)).toEqual(train.x.subarray(0, 9 * 64))
    expect({ x: train.x, labels: train.labels }).toEqual(kept)
  })

  it('notes the same thing once', async () => {
    const plugin = poisonOf(({ note }) => {
      for (const text of ['a', 'b', 'a']) note(text)
      return { samples }
    })
    expect((await craft(requestOf(plugin))).notes).toEqual(['a', 'b'])
  })

  const wrong: readonly (readonly [string, () => Poisoned, Partial<PoisonPlugin>, string])[] = [
    ['nothing', () => ({ samples: [] }), {}, 'changed no sample'],
    [
      'too much',
      () => ({ samples: [1, 5, 9, 13, 17, 21].map((index) => ({ index, label: 0 })) }),
      {},
      'changed more samples than its budget: got 6, expected at most 5',
    ],
    [
      'of another class',
      () => ({ samples: [{ index: 2, label: 0 }] }),
      {},
      'changed a sample that it may not: got training sample 2',
    ],
    [
      'outside the data',
      () => ({ samples: [{ index: 40, label: 0 }] }),
      {},
      'changed a sample that it may not: got training sample 40',
    ],
    ['twice', () => ({ samples: [...samples, ...samples] }), {}, 'returned a sample twice'],
    [
      'a label that is no class',
      () => ({ samples: [{ index: 1, label: 4 }] }),
      {},
      'gave a label that is no class: got 4 for training sample 1, expected 0 to 3',
    ],
    [
      'half a label',
      () => ({ samples: [{ index: 1, label: 0.5 }] }),
      {},
      'gave a label that is no class: got 0.5',
    ],
    [
      'a label it says it leaves',
      () => ({ samples }),
      { labels: 'clean' },
      'changed a label, and says that it leaves them',
    ],
    [
      'no number',
      () => ({ samples: [{ index: 1, x: x(NaN) }] }),
      {},
      'returned a value outside the range: got NaN in training sample 1, expected 0 to 1',
    ],
    [
      'out of range',
      () => ({ samples: [{ index: 1, x: x(1.01) }] }),
      {},
      'returned a value outside the range: got 1.0',
    ],
    [
      'another size',
      () => ({ samples: [{ index: 1, x: new Float32Array(63) }] }),
      {},
      'returned a sample of another size: got 63 values in training sample 1, expected 64',
    ],
    [
      'beyond its epsilon',
      () => ({ samples: [{ index: 1, x: x(0) }] }),
      { epsilon: () => 0.1 },
      'changed a value by more than its epsilon',
    ],
    ['no trigger', () => ({ samples }), backdoor, 'is a backdoor and has no trigger'],
    ['no victim', () => ({ samples }), { goal: 'targeted' }, 'names no victims, or one twice'],
    [
      'a victim of another class',
      () => ({ samples, victims: [3] }),
      { goal: 'targeted' },
      'names a victim that is none: got test sample 3 of class 3, expected class 2',
    ],
    [
      'a victim that is not there',
      () => ({ samples, victims: [12] }),
      { goal: 'targeted' },
      'names a victim that is none: got test sample 12 of class ?',
    ],
  ]
  it.each(wrong)('refuses %s', async (_, poison, more, message) => {
    const crafting = craft(requestOf(poisonOf(poison, more)))
    await expect(crafting).rejects.toMatchObject({ code: 'GNT_POISON_INVALID' })
    await expect(crafting).rejects.toThrow(`the poison bad ${message}`)
  })

  it('refuses what a trigger returns out of range, and protects the test data from it', async () => {
    const fine = await craft(requestOf(poisonOf(() => ({ samples, trigger: spoiling }), backdoor)))
    const sample = x()
    expect(fine.trigger?.(sample, 0)).toEqual(x(0))
    expect(sample).toEqual(x())
    const far = await craft(requestOf(poisonOf(() => ({ samples, trigger: () => x(2) }), backdoor)))
    expect(() => far.trigger?.(sample, 7)).toThrow(
      'the poison bad returned a value outside the range: got 2 in test sample 7 with its trigger',
    )
  })

  it('refuses a surrogate that was not declared', async () => {
    const plugin = poisonOf(() => ({ samples }), {
      poison: async ({ surrogate }) => {
        await surrogate()
        return { samples }
      },
    })
    await expect(craft(requestOf(plugin))).rejects.toThrow('does not declare it')
  })

  it('refuses test data without a sample to attack', async () => {
    const labels = test.labels.map((label) => (label === 2 ? 3 : label))
    const plugin = poisonOf(() => ({ samples, trigger: (one) => one }), backdoor)
    await expect(craft(requestOf(plugin, { test: { ...test, labels } }))).rejects.toThrow(
      'the test data have no sample to attack (bad): got none, expected one of class 2',
    )
  })
})

const of = (more: Partial<Parameters<typeof budgetOf>[0]>) =>
  budgetOf({
    plugin: { id: 'bad', from: 'any' },
    train,
    source: 2,
    target: 1,
    rate: { value: 0.1, of: 'dataset' },
    ...more,
  })

const labelsOf = (from: PoisonPlugin['from'], source: number | null = 2): number[] => [
  ...new Set(
    Array.from(of({ plugin: { id: 'bad', from }, source }).eligible, (i) => train.labels[i]!),
  ),
]

describe('budget', () => {
  it('is a share of what it names, rounded down', () => {
    expect(of({}).budget).toBe(4)
    expect(of({ rate: { value: 0.125, of: 'targetClass' } }).budget).toBe(1)
    expect(of({ rate: { value: 0.29, of: 'sourceClass' } }).budget).toBe(2)
    // 0.3 · 10 is exact, 0.7 · 10 / 7 is not: neither loses a sample.
    expect(of({ rate: { value: 0.7, of: 'targetClass' } }).budget).toBe(7)
  })

  it('may be spent on the samples that the poison says', () => {
    expect(labelsOf('any')).toEqual([0, 1, 2, 3])
    expect(labelsOf('target')).toEqual([1])
    expect(labelsOf('source')).toEqual([2])
    expect(labelsOf('source', null)).toEqual([0, 2, 3])
    expect(labelsOf('notTarget')).toEqual([0, 2, 3])
  })

  it.each([
    [{ rate: { value: 0.01, of: 'dataset' } }, 'comes to no sample at all'],
    [
      { rate: { value: 0.5, of: 'dataset' }, plugin: { id: 'bad', from: 'target' } },
      'asks for more samples than may be changed (bad at 0.5 of the data set): got 20 samples, expected at most 10 (those of class 1)',
    ],
    [{ rate: { value: 0, of: 'dataset' } }, 'wrong poison rate'],
    [{ rate: { value: 1.1, of: 'dataset' } }, 'wrong poison rate'],
    [{ source: null, rate: { value: 0.5, of: 'sourceClass' } }, 'and no source class'],
    [{ target: 4 }, 'the target class is none of the data set: got 4, expected 0 to 3'],
    [{ source: 1.5 }, 'the source class is none of the data set'],
    [{ source: 1 }, 'source and target are the same class'],
  ] as const)('refuses %o', (more, message) => {
    expect(() => of(more)).toThrow(message)
  })
})

describe('registry', () => {
  const registry = new PoisonRegistry(builtInPoisons)

  it('fills in defaults', () => {
    expect(registry.specify('badnets', { size: 0.2 })).toEqual({
      poison: 'badnets',
      version: 1,
      params: { size: 0.2, corner: 'bottom-right', pattern: 'checkerboard' },
      label: 'BadNets 0.2',
    })
  })

  it('knows what was meant', () => {
    expect(() => registry.get('badnet')).toThrow('did you mean badnets?')
    expect(() => registry.specify('badnets', { sise: 1 })).toThrow(
      'badnets has no parameter sise: expected size, corner, pattern; did you mean size?',
    )
    expect(() => registry.specify('badnets', { size: 2 })).toThrow('parameter size of badnets')
  })

  it('refuses two of one id', () => {
    expect(() => new PoisonRegistry([...builtInPoisons, builtInPoisons[0]!])).toThrow(
      'two poisons are called label-flip',
    )
  })
})
