import { z } from 'zod'
import { defineAttack, lossNames, type Sample } from '../../src/plugin.js'
import { forValues, gridOf, placeAtRandom, type Grid, type Window } from './lib/grid.js'

export const patch = defineAttack({
  id: 'patch',
  version: 1,
  title: 'Adversarial patch in one place (LaVAN)',
  source:
    'Karmon et al. 2018, arXiv:1801.02608, algorithm 1, with signed steps; Brown et al. 2017, arXiv:1712.09665',
  atlas: 'AML.T0043.000',
  kind: 'fixed-epsilon',
  needs: ['gradient'],
  norms: ['l0'],
  goals: ['untargeted', 'targeted'],
  restarts: 1,
  params: z.object({
    steps: z.int().min(1).max(100_000).default(100).describe('gradient steps per restart'),
    stepSize: z
      .number()
      .positive()
      .max(1)
      .default(0.05)
      .describe('step, as a share of the range of the data'),
    top: z.int().min(0).optional().describe('first row of the patch; default random'),
    left: z.int().min(0).optional().describe('first column of the patch; default random'),
    loss: z.enum(lossNames).default('ce').describe('loss to ascend: ce, margin or dlr'),
  }),
  label: ({ steps, loss }) => `patch-${steps}${loss === 'ce' ? '' : `-${loss}`}`,
  async run(context, { steps, stepSize, top, left, loss }) {
    const grid = gridOf(context.shape)
    const { epsilon, bounds } = context.threat
    // A square of as many values as epsilon allows, or what of it fits into the picture.
    const side = Math.max(1, Math.floor(Math.sqrt(epsilon / grid.channels)))
    const size = { height: Math.min(side, grid.height), width: Math.min(side, grid.width) }
    const windows = new Map<number, Window>()
    context.start('clean')
    for (const { id, point, rng } of context.samples) {
      const window = placeAtRandom(grid, size, rng)
      const given = {
        ...window,
        top: Math.min(top ?? window.top, grid.height - size.height),
        left: Math.min(left ?? window.left, grid.width - size.width),
      }
      windows.set(id, given)
      forPatch(grid, given, (i) => {
        point[i] = bounds[0] + (bounds[1] - bounds[0]) * rng.uniform()
      })
    }
    const step = stepSize * (bounds[1] - bounds[0])
    for (let k = 0; k < steps && context.living > 0; k++) {
      await context.gradient({ loss })
      for (const sample of context.samples) ascend(sample, grid, windows.get(sample.id)!, step)
    }
    await context.score()
  },
})

function ascend({ point, gradient }: Sample, grid: Grid, window: Window, step: number): void {
  forPatch(grid, window, (i) => {
    point[i]! += step * Math.sign(gradient[i]!)
  })
}

function forPatch(grid: Grid, window: Window, visit: (i: number) => void): void {
  for (let channel = 0; channel < grid.channels; channel++) forValues(grid, channel, window, visit)
}
