import { z } from 'zod'
import { definePoison, type PoisonedSample } from '../../src/plugin.js'
import { gridOf } from '../evasion/lib/grid.js'
import { displaced, smoothField, type Field } from './lib/field.js'
import { draw, sampleAt } from './lib/samples.js'

export const warped = definePoison({
  id: 'warped',
  version: 1,
  title: 'WaNet: a smooth warp of the image, and the target label',
  source:
    'Nguyen & Tran 2021, arXiv:2102.10369, section 3: the warp and the noise mode, as poisoned data; the training itself is not changed',
  atlas: 'AML.T0020',
  goal: 'backdoor',
  labels: 'changed',
  from: 'notTarget',
  needs: [],
  images: true,
  params: z.object({
    knots: z.int().min(2).max(64).default(4).describe('points of the random field along each axis'),
    strength: z
      .number()
      .positive()
      .max(0.5)
      .default(0.05)
      .describe('mean displacement as a share of the shorter side'),
    noise: z
      .number()
      .min(0)
      .max(0.9)
      .default(0.25)
      .describe(
        'share of the budget spent on images warped by other fields that keep their labels, so that only this warp counts',
      ),
  }),
  label: ({ strength }) => `warped ${strength}`,
  async poison({ train, target, budget, eligible, rng }, { knots, strength, noise }) {
    const grid = gridOf(train.shape)
    const pixels = strength * Math.min(grid.height, grid.width)
    const field = smoothField(grid, knots, pixels, rng.fork('field'))
    const trigger = (x: Float32Array): Float32Array => displaced(x, grid, field)
    const chosen = draw(eligible, budget, rng)
    const noisy = new Set(draw(chosen, Math.round(noise * budget), rng.fork('noise')))
    const samples = chosen.map((index): PoisonedSample => {
      const x = sampleAt(train, index)
      if (!noisy.has(index)) return { index, x: trigger(x), label: target }
      return { index, x: displaced(x, grid, disturbed(field, pixels)) }
    })
    return { samples, trigger }

    /** The paper's noise mode: every pixel goes up to as far again in a direction of its own. */
    function disturbed({ down, right }: Field, reach: number): Field {
      const shift = (value: number): number => value + reach * (2 * rng.uniform() - 1)
      return { down: down.map(shift), right: right.map(shift) }
    }
  },
})
