import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { corruptions } from '../../../attacks/evasion/corruptions.js'
import { corruptionNames } from '../../../attacks/evasion/lib/corruptions.js'
import { warp } from '../../../attacks/evasion/lib/warp.js'
import { patch } from '../../../attacks/evasion/patch.js'
import { spatial } from '../../../attacks/evasion/spatial.js'
import { universal } from '../../../attacks/evasion/universal.js'
import type { AttackPlugin } from '../../../src/attack/types.js'
import type { ModelHandle } from '../../../src/model/handle.js'
import { distance } from '../../../src/threat/ball.js'
import type { Norm, ThreatModel } from '../../../src/threat/threat-model.js'
import { createRng } from '../../../src/util/rng.js'
import { attack, successes } from '../../helpers/attacks.js'
import { mlpOf, openModel } from '../../helpers/networks.js'

const shape = [3, 16, 16] as const
const size = 3 * 16 * 16
const n = 12

/** Waves of random frequency and phase per channel: smooth, as pictures are. */
const x = Float32Array.from({ length: n * size }, (_, i) => {
  const rng = createRng('waves', Math.floor(i / 256))
  const [u, v, phase] = [2 + 6 * rng.uniform(), 2 + 6 * rng.uniform(), 6 * rng.uniform()]
  const [row, column] = [Math.floor((i % 256) / 16) / 16, (i % 16) / 16]
  return 0.5 + 0.45 * Math.sin(u * row + v * column + phase)
})

const threatOf = (norm: Norm, epsilon: number): ThreatModel => ({
  norm,
  epsilon,
  bounds: [0, 1],
  goal: { kind: 'untargeted' },
})

let model: ModelHandle
beforeAll(async () => {
  model = await openModel(mlpOf(shape, 5, { hidden: 24 }), { mean: [0.5], std: [0.25] })
})
afterAll(() => model.close())

const at = (array: Float32Array, r: number, c: number): number => array[r * 16 + c]!

const row = (array: Float32Array, i: number): Float32Array =>
  array.subarray(i * size, (i + 1) * size)

/** Of a model that answers one class whatever it sees, so that nothing falls and the last point is told. */
async function meanDistance(severity: number, params: Record<string, unknown>): Promise<number> {
  const deaf = await openModel(mlpOf(shape, 2, { hidden: 2 }), { mean: [0], std: [1e6] })
  const { xAdv } = await attack(deaf, corruptions, threatOf('severity', severity), x, { params })
  await deaf.close()
  const reach = Array.from({ length: n }, (_, i) => distance('l2', row(xAdv, i), row(x, i)))
  return reach.reduce((sum, d) => sum + d, 0) / n
}

describe.each(corruptionNames)('%s', (corruption) => {
  it.each(['cifar', 'imagenet'])('goes further with every severity of %s', async (constants) => {
    const reach: number[] = []
    for (const severity of [1, 2, 3, 4, 5])
      reach.push(await meanDistance(severity, { corruption, constants }))
    reach.slice(1).forEach((far, i) => {
      // Halves fit into 16 values better than 0.6 of them.
      const least = corruption === 'pixelate' && constants === 'imagenet' ? 0.95 : 1
      expect(far, `severity ${i + 2}`).toBeGreaterThan(least * reach[i]!)
    })
    expect(reach[0]).toBeGreaterThan(0)
    expect(reach[4]).toBeGreaterThan(1.3 * reach[0]!)
    expect(reach[4]).toBeLessThan(0.7 * Math.sqrt(size))
  })
})

async function fooledBy(severity: number, angles: number, shifts: number): Promise<number> {
  const params = { search: 'grid', angles, shifts }
  return successes(await attack(model, spatial, threatOf('severity', severity), x, { params }))
}

describe('spatial', () => {
  const grid = { channels: 3, height: 16, width: 16 }
  const picture = row(x, 0)

  it('no motion gives the same bytes', () => {
    const out = new Float32Array(size)
    warp(picture, grid, { angle: 0, down: 0, right: 0 }, 0, out)
    expect(out).toEqual(picture)
  })

  it('a quarter turn and whole shifts move values as they are', () => {
    const out = new Float32Array(size)
    warp(picture, grid, { angle: Math.PI / 2, down: 0, right: 0 }, 0, out)
    for (const [r, c] of [
      [0, 0],
      [3, 11],
      [15, 2],
    ] as const)
      // Anticlockwise: the right edge comes to the top.
      expect(at(out, 15 - c, r)).toBeCloseTo(at(picture, r, c), 5)
    warp(picture, grid, { angle: 0, down: 2, right: -3 }, 0.25, out)
    expect(at(out, 5, 4)).toBe(at(picture, 3, 7))
    expect(at(out, 1, 4)).toBe(0.25)
    expect(at(out, 5, 13)).toBe(0.25)
  })

  it('a finer grid and a higher severity find no fewer', async () => {
    const [coarse, fine] = [await fooledBy(5, 3, 1), await fooledBy(5, 9, 3)]
    expect(fine).toBeGreaterThanOrEqual(coarse)
    expect(fine).toBeGreaterThan(0)
    expect(await fooledBy(1, 1, 1)).toBe(0)
  })

  it('what it changes is at distance 1', async () => {
    const { outcomes } = await attack(model, spatial, threatOf('severity', 1), x)
    for (const outcome of outcomes) expect(outcome.distance).toBe(1)
  })
})

describe('patch', () => {
  it('changes one square only, where it is told to', async () => {
    const threat = threatOf('l0', 3 * 5 * 5 + 7)
    const params = { steps: 40, top: 4, left: 9 }
    const { outcomes, xAdv } = await attack(model, patch, threat, x, { params })
    expect(outcomes.some(({ success }) => success)).toBe(true)
    outcomes.forEach(({ distance: changed }, i) => {
      expect(changed).toBeLessThanOrEqual(75)
      for (let k = 0; k < size; k++) {
        const [r, c] = [Math.floor((k % 256) / 16), k % 16]
        const isInside = r >= 4 && r < 9 && c >= 9 && c < 14
        if (!isInside) expect(row(xAdv, i)[k]).toBe(row(x, i)[k])
      }
    })
  })
})

describe('universal', () => {
  it('what an earlier perturbation fooled does not count', async () => {
    const earlier: AttackPlugin = {
      ...universal,
      needs: ['labels'],
      run: async (context) => {
        for (const { point } of context.samples) point.fill(0)
        await context.score()
        const fooled = context.samples.filter(({ isFooled }) => isFooled).length
        expect(fooled).toBeGreaterThan(0)
        expect(context.living).toBe(n)
        context.start('clean')
      },
    }
    const { outcomes } = await attack(model, earlier, threatOf('linf', 1), x)
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ success: false, distance: 0, queries: 2 })
  })

  it.each([
    ['linf', 0.05],
    ['l2', 1],
  ] as const)('%s: one perturbation for all samples', async (norm, epsilon) => {
    const wide: ThreatModel = { ...threatOf(norm, epsilon), bounds: [-10, 10] }
    const { outcomes, xAdv } = await attack(model, universal, wide, x)
    const fooled = outcomes.filter(({ success }) => success).length
    expect(fooled).toBeGreaterThan(0)
    // Far from the bounds, what is fooled and what is not differ from the clean samples by the same δ.
    const delta = row(xAdv, 0).map((value, i) => value - x[i]!)
    outcomes.forEach((outcome, i) => {
      const moved = row(x, i).map((value, k) => value + delta[k]!)
      expect(distance('linf', moved, row(xAdv, i))).toBeLessThan(1e-6)
      expect(outcome.success).toBe(outcome.adversarialPrediction !== outcome.label)
    })
  })

  it('moves as far as it may where it fools nobody', async () => {
    const { outcomes, xAdv } = await attack(model, universal, threatOf('linf', 1e-4), x)
    expect(outcomes.some(({ success }) => success)).toBe(false)
    expect(distance('linf', row(xAdv, 0), row(x, 0))).toBeGreaterThan(5e-5)
  })
})
