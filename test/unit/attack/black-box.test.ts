import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pgd } from '../../../attacks/evasion/pgd.js'
import { square } from '../../../attacks/evasion/square.js'
import type { ModelHandle } from '../../../src/model/handle.js'
import type { Norm, ThreatModel } from '../../../src/threat/threat-model.js'
import { attack, leastDistance, linearProblem, successes } from '../../helpers/attacks.js'
import { mlpOf, openModel, samplesOf } from '../../helpers/networks.js'

const untargeted = { kind: 'untargeted' } as const

const threatOf = (norm: Norm, epsilon: number): ThreatModel => ({
  norm,
  epsilon,
  bounds: [0, 1],
  goal: untargeted,
})

describe('a linear model, whose least epsilon is known', () => {
  const problem = linearProblem(30)
  let model: ModelHandle
  beforeAll(async () => void (model = await openModel(problem.graph)))
  afterAll(() => model.close())

  it.each([
    ['square', square, {}, 'linf', 1.03],
    ['square', square, {}, 'l2', 1.25],
  ] as const)('%s finds it a little above, never below', async (_, plugin, params, norm, above) => {
    for (const goal of [untargeted, { kind: 'targeted', target: 'next' }] as const)
      for (let seed = 0; seed < 3; seed++) {
        const x = samplesOf(1, [30], seed, [-1, 1])
        const least = leastDistance(problem, norm, x)
        const at = async (factor: number): Promise<number> =>
          successes(
            await attack(
              model,
              plugin,
              { norm, epsilon: factor * least, bounds: [-1000, 1000], goal },
              x,
              { params },
            ),
          )
        expect(await at(above), `seed ${seed}, above`).toBe(1)
        expect(await at(0.99), `seed ${seed}, below`).toBe(0)
      }
  })
})

describe('a small network', () => {
  const shape = [3, 6, 6]
  const n = 60
  const x = samplesOf(n, shape)
  let model: ModelHandle
  beforeAll(async () => {
    model = await openModel(mlpOf(shape, 4, { hidden: 24 }), { mean: [0.5], std: [0.25] })
  })
  afterAll(() => model.close())

  it.each([
    ['linf', 0.03, 0.9],
    // Bumps three values wide fit the weights of this network badly: they are noise.
    ['l2', 0.3, 0.5],
  ] as const)(
    '%s: Square comes near PGD, and more queries find more',
    async (norm, epsilon, share) => {
      const threat = threatOf(norm, epsilon)
      const byPgd = successes(await attack(model, pgd, threat, x))
      const bySquare = async (queries: number): Promise<number> =>
        successes(await attack(model, square, threat, x, { params: { queries } }))
      const [few, many] = [await bySquare(10), await bySquare(1000)]
      expect(byPgd).toBeGreaterThan(15)
      expect(byPgd).toBeLessThan(n)
      expect(few).toBeLessThan(many)
      expect(many).toBeGreaterThan(share * byPgd)
    },
  )

  it('Square asks once a query, and once more for the last point', async () => {
    const threat = threatOf('linf', 1e-4)
    const { outcomes } = await attack(model, square, threat, x, { params: { queries: 50 } })
    for (const { success, queries } of outcomes) {
      if (success) continue
      expect(queries).toBeGreaterThanOrEqual(51)
      expect(queries).toBeLessThanOrEqual(52)
    }
  })
})
