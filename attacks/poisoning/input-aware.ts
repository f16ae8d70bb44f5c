import { z } from 'zod'
import { definePoison, type LabelledSamples, type PoisonedSample } from '../../src/plugin.js'
import { gridOf } from '../evasion/lib/grid.js'
import { corners, patchOf, stamped, type Corner, type Patch } from './lib/patch.js'
import { draw, sampleAt } from './lib/samples.js'

export const inputAware = definePoison({
  id: 'input-aware',
  version: 1,
  title: 'Input-aware corners: where and what the patch is depends on the image',
  source:
    'after Nguyen & Tran 2020, arXiv:2010.08138: triggers that differ by input and serve no other input. Theirs come from a generator trained with the model; here a fixed rule picks one of four corner patches by the image',
  atlas: 'AML.T0020',
  goal: 'backdoor',
  labels: 'changed',
  from: 'notTarget',
  needs: [],
  images: true,
  params: z.object({
    size: z
      .number()
      .positive()
      .max(0.5)
      .default(0.15)
      .describe('side of a patch as a share of the shorter side of the image'),
    cross: z
      .number()
      .min(0)
      .max(0.9)
      .default(0.25)
      .describe(
        "share of the budget spent on images that carry another image's patch and keep their labels (the paper's cross-trigger mode)",
      ),
  }),
  label: ({ size }) => `input-aware ${size}`,
  async poison({ train, target, budget, eligible, rng }, { size, cross }) {
    const patches = corners.map((corner, k) =>
      patchOf(train, { share: size, corner, pattern: k % 2 === 0 ? 'checkerboard' : 'solid' }),
    )
    const corner = (x: Float32Array): number => darkest(x, train)
    const patch = (k: number): Patch => patches[k % patches.length]!
    const trigger = (x: Float32Array): Float32Array => stamped(x, patch(corner(x)))
    const chosen = draw(eligible, budget, rng)
    const crossed = new Set(draw(chosen, Math.round(cross * budget), rng.fork('cross')))
    const samples = chosen.map((index): PoisonedSample => {
      const x = sampleAt(train, index)
      if (!crossed.has(index)) return { index, x: trigger(x), label: target }
      return { index, x: stamped(x, patch(corner(x) + 1 + rng.below(corners.length - 1))) }
    })
    return { samples, trigger }
  },
})

/** Position in `corners` of the quarter with the least sum. */
function darkest(x: Float32Array, { shape }: LabelledSamples): number {
  const { height, width } = gridOf(shape)
  const sums = new Map<Corner, number>(corners.map((corner) => [corner, 0]))
  x.forEach((value, i) => {
    const isLower = 2 * (Math.floor(i / width) % height) >= height
    const isRight = 2 * (i % width) >= width
    const corner: Corner = `${isLower ? 'bottom' : 'top'}-${isRight ? 'right' : 'left'}`
    sums.set(corner, sums.get(corner)! + value)
  })
  const values = corners.map((corner) => sums.get(corner)!)
  return values.indexOf(Math.min(...values))
}
