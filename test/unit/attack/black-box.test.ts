import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boundary } from '../../../attacks/evasion/boundary.js'
import { hopSkipJump } from '../../../attacks/evasion/hopskipjump.js'
import { nes } from '../../../attacks/evasion/nes.js'
import { noise } from '../../../attacks/evasion/noise.js'
import { onePixel } from '../../../attacks/evasion/one-pixel.js'
import { pgd } from '../../../attacks/evasion/pgd.js'
import { signFlip } from '../../../attacks/evasion/sign-flip.js'
import { simba } from '../../../attacks/evasion/simba.js'
import { spsa } from '../../../attacks/evasion/spsa.js'
import { square } from '../../../attacks/evasion/square.js'
import type { ModelHandle } from '../../../src/model/handle.js'
import type { Norm, ThreatModel } from '../../../src/threat/threat-model.js'
import { attack, leastDistance, linearProblem, successes } from '../../helpers/attacks.js'
import { linearOf, mlpOf, openModel, samplesOf } from '../../helpers/networks.js'

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
    ['spsa', spsa, { steps: 30 }, 'linf', 1.05],
    ['nes', nes, { steps: 60 }, 'linf', 1.05],
    ['nes', nes, { steps: 60 }, 'l2', 1.05],
    ['simba', simba, { stepSize: 0.02 }, 'l2', 1.1],
    ['simba, cosines', simba, { stepSize: 0.02, basis: 'dct', frequencies: 1 }, 'l2', 1.1],
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

describe('attacks from labels alone', () => {
  const problem = linearProblem(30)
  const n = 8
  const x = samplesOf(n, [30], 'labels', [-1, 1])
  let model: ModelHandle
  beforeAll(async () => void (model = await openModel(problem.graph)))
  afterAll(() => model.close())

  it.each([
    ['hopskipjump', hopSkipJump, 3000, 'l2', 1.03],
    ['hopskipjump', hopSkipJump, 3000, 'linf', 1.1],
    ['boundary', boundary, 6000, 'l2', 1.05],
    ['sign-flip', signFlip, 6000, 'linf', 1.1],
  ] as const)('%s comes near the least distance', async (_, plugin, queries, norm, within) => {
    const threat: ThreatModel = { norm, epsilon: 1, bounds: [-3, 3], goal: untargeted }
    const { outcomes } = await attack(model, plugin, threat, x, {
      params: { queries },
      search: 'closest',
    })
    const ratios = outcomes.map(
      ({ distance }, i) => distance / leastDistance(problem, norm, x.slice(30 * i, 30 * i + 30)),
    )
    expect(Math.min(...ratios)).toBeGreaterThan(0.9999)
    expect(ratios.toSorted((a, b) => a - b)[n / 2]).toBeLessThan(within)
    for (const { queries: asked } of outcomes) expect(asked).toBeLessThanOrEqual(queries + 5)
  })

  it.each([
    ['hopskipjump', hopSkipJump],
    ['boundary', boundary],
    ['sign-flip', signFlip],
    ['noise', noise],
  ] as const)('%s declares labels, which hides the scores', (_, { needs }) => {
    expect(needs).toEqual(['labels'])
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

  it('one pixel is enough where one pixel decides', async () => {
    // Class 1 from the middle of the range of pixel (2, 3) in its three channels on.
    const pixel = 2 * 6 + 3
    const weights = Array.from({ length: 108 }, (_, i) => (i % 36 === pixel ? 1 : 0.001))
    const decided = await openModel(linearOf(shape, [weights.map(() => 0), weights], [1.5, 0]))
    const threat: ThreatModel = { norm: 'l0', epsilon: 3, bounds: [0, 1], goal: untargeted }
    const { outcomes, xAdv } = await attack(decided, onePixel, threat, x, {
      params: { population: 100, generations: 20 },
    })
    await decided.close()
    expect(outcomes.filter(({ success }) => success).length).toBeGreaterThan(0.9 * n)
    outcomes.forEach(({ success }, row) => {
      if (!success) return
      const changed = [...weights.keys()].filter((i) => xAdv[row * 108 + i] !== x[row * 108 + i])
      expect([pixel, pixel + 36, pixel + 72]).toEqual(expect.arrayContaining(changed))
    })
  })

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
