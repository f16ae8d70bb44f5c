import { z } from 'zod'
import { defineAttack } from '../../src/plugin.js'
import { corruptionNames, corruptionsByName, levelOf } from './lib/corruptions.js'
import { gridOf } from './lib/grid.js'

export const corruptions = defineAttack({
  id: 'corruptions',
  version: 1,
  title: 'Common corruptions (control)',
  source:
    'Hendrycks & Dietterich 2019, arXiv:1903.12261, appendix A; the constants of CIFAR-10-C and ImageNet-C',
  kind: 'control',
  needs: ['labels'],
  norms: ['severity'],
  goals: ['untargeted'],
  restarts: 1,
  params: z.object({
    corruption: z
      .enum(['all', ...corruptionNames])
      .default('all')
      .describe('which; all: one after the other, on what still stands'),
    constants: z
      .enum(['cifar', 'imagenet'])
      .optional()
      .describe('how strong each severity is; default cifar for pictures up to 64 values a side'),
  }),
  label: ({ corruption }) => (corruption === 'all' ? 'corruptions' : corruption),
  async run(context, { corruption, constants }) {
    const grid = gridOf(context.shape)
    const { bounds, epsilon } = context.threat
    const [low, high] = bounds
    const set = constants ?? (Math.max(grid.height, grid.width) > 64 ? 'imagenet' : 'cifar')
    for (const name of corruption === 'all' ? corruptionNames : [corruption]) {
      const level = levelOf(name, set, epsilon)
      for (const { clean, point, rng } of context.samples) {
        const picture = Float64Array.from(clean, (value) => (value - low) / (high - low))
        const changed = corruptionsByName[name].apply(picture, grid, level, rng)
        for (let i = 0; i < point.length; i++) {
          const share = Math.min(Math.max(changed[i]!, 0), 1)
          point[i] = low + (high - low) * share
        }
      }
      await context.score()
    }
  },
})
