import { z } from 'zod'
import { definePoison } from '../../src/plugin.js'
import { corners, patchOf, patterns, stamped } from './lib/patch.js'
import { draw, sampleAt } from './lib/samples.js'

export const badnets = definePoison({
  id: 'badnets',
  version: 1,
  title: 'BadNets: a patch, and the target label',
  source: 'Gu et al. 2017, arXiv:1708.06733, section 4.1, single target attack',
  atlas: 'AML.T0020',
  goal: 'backdoor',
  labels: 'changed',
  from: 'notTarget',
  needs: [],
  params: z.object({
    size: z
      .number()
      .positive()
      .max(1)
      .default(0.1)
      .describe(
        'side of the patch as a share of the shorter side of the image; of a table the share of its features',
      ),
    corner: z.enum(corners).default('bottom-right').describe('where the patch is'),
    pattern: z.enum(patterns).default('checkerboard').describe('what the patch shows'),
  }),
  label: ({ size, pattern }) => `BadNets ${size}${pattern === 'checkerboard' ? '' : ` ${pattern}`}`,
  async poison({ train, target, budget, eligible, rng }, { size, corner, pattern }) {
    const patch = patchOf(train, { share: size, corner, pattern })
    const trigger = (x: Float32Array): Float32Array => stamped(x, patch)
    const samples = draw(eligible, budget, rng).map((index) => ({
      index,
      x: trigger(sampleAt(train, index)),
      label: target,
    }))
    return { samples, trigger }
  },
})
