import { describe, expect, it } from 'vitest'
import { builtInAttacks } from '../../../attacks/index.js'
import { runAttack } from '../../../src/attack/host.js'
import { AttackRegistry } from '../../../src/attack/registry.js'
import { isFusedNorm, type FusedNorm } from '../../../src/threat/threat-model.js'
import { createRng } from '../../../src/util/rng.js'
import { linearOf, openModel, predictionsOf, samplesOf } from '../../helpers/networks.js'

// Not a multiple of four: what stands behind a sample's values in a vector is none of them.
const [size, n, classes] = [7, 40, 4]
const registry = new AttackRegistry(builtInAttacks)
const epsilons: Readonly<Record<FusedNorm, number>> = { linf: 0.25, l2: 0.6, l1: 0.8 }
/** Long enough to tell, short enough for a test. */
const few: Readonly<Record<string, unknown>> = { steps: 100, queries: 300, runs: 6 }

/** How many fall, and how far examples are, where data and bounds lie around `middle`: the model is moved along. */
async function outcome(id: string, norm: FusedNorm, middle: number) {
  const rng = createRng('shift')
  const weights = Array.from({ length: classes }, () =>
    Array.from({ length: size }, () => rng.normal()),
  )
  const biases = weights.map((row) => -middle * row.reduce((sum, w) => sum + w, 0))
  const model = await openModel(linearOf([size], weights, biases))
  const x = samplesOf(n, [size], 5, [-1, 1]).map((value) => value + middle)
  const plugin = registry.get(id)
  const names = Object.keys((plugin.params as unknown as { shape: object }).shape)
  const params = Object.fromEntries(Object.entries(few).filter(([name]) => names.includes(name)))
  const { outcomes } = await runAttack({
    model,
    plugin,
    spec: registry.specify(id, params),
    threat: {
      norm,
      epsilon: epsilons[norm],
      bounds: [middle - 1, middle + 1],
      goal: { kind: 'untargeted' },
    },
    x,
    labels: await predictionsOf(model, x, n),
    samples: [...Array(n).keys()],
    seed: 1,
    batch: 16,
    isCancelled: () => false,
  })
  await model.close()
  const fallen = outcomes.filter(({ success }) => success)
  const mean = fallen.reduce((sum, { distance }) => sum + distance, 0) / fallen.length
  return { fallen: fallen.length, mean }
}

describe('where the bounds lie changes nothing', () => {
  const cases = builtInAttacks
    .filter(({ kind }) => kind === 'fixed-epsilon' || kind === 'minimum-norm')
    .flatMap(({ id, norms }) => norms.filter(isFusedNorm).map((norm) => [id, norm] as const))
  it.each(cases)('for %s in %s', async (id, norm) => {
    const [here, there, below] = await Promise.all(
      [0, 8, -8].map((middle) => outcome(id, norm, middle)),
    )
    expect(here!.fallen).toBeGreaterThan(0)
    for (const other of [there!, below!]) {
      // Numbers of eight have three bits less for what is small.
      expect(Math.abs(other.fallen - here!.fallen)).toBeLessThanOrEqual(2)
      expect(other.mean / here!.mean).toBeCloseTo(1, 1)
    }
  })
})
