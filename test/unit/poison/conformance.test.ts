import { describe, expect, it } from 'vitest'
import { builtInPoisons } from '../../../attacks/poisoning/index.js'
import { craft, type Crafted, type CraftRequest } from '../../../src/poison/craft.js'
import { PoisonRegistry } from '../../../src/poison/registry.js'
import { NetworkSurrogate } from '../../../src/poison/surrogate.js'
import type { LabelledSamples, PoisonRate } from '../../../src/poison/types.js'
import { templates } from '../../helpers/poison-data.js'
import { smallNetwork } from '../../helpers/poison-networks.js'

interface Case {
  /** For speed. */
  readonly params?: Readonly<Record<string, unknown>>
  readonly rate?: PoisonRate
}

/** Every poison is here: a new one is one line. */
const cases: Readonly<Record<string, Case>> = {
  'label-flip': {},
  'label-flip-targeted': {},
  'label-flip-nearest': { params: { space: 'features' } },
  badnets: {},
  blended: {},
  sinusoidal: {},
  warped: {},
  'input-aware': {},
  'clean-label': { params: { steps: 3 } },
  'sleeper-agent': { params: { steps: 3, examples: 8 } },
  'feature-collision': { params: { steps: 3 } },
  'bullseye-polytope': { params: { steps: 3 } },
  'gradient-matching': { params: { steps: 3, restarts: 2 } },
  'availability-noise': { params: { kind: 'maximise', steps: 3 } },
}

const images: readonly (readonly number[])[] = [
  [1, 8, 8],
  [1, 28, 28],
  [3, 32, 32],
]
const [source, target] = [2, 1]
const registry = new PoisonRegistry(builtInPoisons)

function requestOf(id: string, shape: readonly number[], seed = 1): CraftRequest {
  const { params, rate = { value: 0.1, of: 'dataset' } } = cases[id]!
  // Not [0, 1], so that a poison that forgets the range is found out.
  const range = [-2, 6] as const
  return {
    plugin: registry.get(id),
    params: registry.specify(id, params).params,
    train: templates({ count: 60, shape, range, seed: 'train' }),
    test: templates({ count: 20, shape, range, seed: 'test' }),
    source,
    target,
    rate,
    seed,
    isCancelled: () => false,
    surrogate: () => {
      const { graph } = smallNetwork({ shape, classes: 4, width: 2 })
      return NetworkSurrogate.open(graph, { parameters: 'all' })
    },
  }
}

function expectHonest({ plugin, params, train, test }: CraftRequest, crafted: Crafted): void {
  const size = train.x.length / train.count
  const epsilon = plugin.epsilon?.(params, train.shape) ?? Infinity
  const from = { any: () => true, source: isSource, target: isTarget, notTarget: isNotTarget }
  expect(crafted.poisons.length).toBeGreaterThan(0)
  expect(crafted.poisons.length).toBeLessThanOrEqual(6)
  expect(new Set(crafted.poisons).size).toBe(crafted.poisons.length)
  const poisoned = new Set(crafted.poisons)
  for (let n = 0; n < train.count; n++) {
    const label = train.labels[n]!
    const changes = changesOf(train, crafted.train, n)
    if (!poisoned.has(n) || plugin.labels === 'clean') expect(crafted.train.labels[n]).toBe(label)
    if (poisoned.has(n)) {
      expect(from[plugin.from](label)).toBe(true)
      expect(changes.isMoved || crafted.train.labels[n] !== label).toBe(true)
    } else expect(changes.isMoved).toBe(false)
    expect(changes.most / 8).toBeLessThanOrEqual(epsilon + 1e-6)
  }
  expect(crafted.train.x.every((value) => value >= -2 && value <= 6)).toBe(true)
  expect(crafted.trigger !== null).toBe(plugin.goal === 'backdoor')
  expect(crafted.victims.length > 0).toBe(plugin.goal === 'targeted')
  for (const victim of crafted.victims) expect(test.labels[victim]).toBe(source)
  const before = test.x.slice(0, size)
  const triggered = crafted.trigger?.(before, 0)
  if (!triggered) return
  expect(triggered).not.toEqual(before)
  expect(before).toEqual(test.x.slice(0, size))
  expect(triggered.every((value) => value >= -2 && value <= 6)).toBe(true)
}

const isSource = (label: number): boolean => label === source
const isTarget = (label: number): boolean => label === target
const isNotTarget = (label: number): boolean => label !== target

function changesOf(
  before: LabelledSamples,
  after: LabelledSamples,
  n: number,
): { readonly isMoved: boolean; readonly most: number } {
  const size = before.x.length / before.count
  let most = 0
  for (let i = n * size; i < (n + 1) * size; i++)
    most = Math.max(most, Math.abs(after.x[i]! - before.x[i]!))
  return { isMoved: most > 0, most }
}

describe('built-in poisons', () => {
  it('are all here', () => {
    expect(Object.keys(cases)).toEqual(builtInPoisons.map(({ id }) => id))
  })
})

describe.each(Object.keys(cases))('%s', (id) => {
  it.each(images)('keeps to what it is allowed on images of %i × %i × %i', async (...shape) => {
    const request = requestOf(id, shape)
    expectHonest(request, await craft(request))
  })

  it('works on a table, or says that it does not', async () => {
    const request = requestOf(id, [12])
    if (request.plugin.images)
      await expect(craft(request)).rejects.toThrow(
        `${id} poisons images only: got samples of shape [12], expected [C, H, W]`,
      )
    else expectHonest(request, await craft(request))
  })

  it('gives the same poisons for the same seed, and others for another', async () => {
    const [one, same, other] = [
      await craft(requestOf(id, [1, 8, 8])),
      await craft(requestOf(id, [1, 8, 8])),
      await craft(requestOf(id, [1, 8, 8], 2)),
    ]
    expect(same).toEqual({ ...one, trigger: same.trigger })
    const { x, labels } = other.train
    expect({ x, labels }).not.toEqual({ x: one.train.x, labels: one.train.labels })
  })

  it('stops when it is told to', async () => {
    const request = requestOf(id, [1, 8, 8])
    const crafting = craft({ ...request, isCancelled: () => true })
    // What is done in no time need not ask.
    const isLong = ['clean-label', 'sleeper-agent', 'availability-noise'].includes(id)
    if (isLong || request.plugin.goal === 'targeted')
      await expect(crafting).rejects.toMatchObject({ code: 'GNT_INTERRUPTED' })
    else await crafting
  })
})
