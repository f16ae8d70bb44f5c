import { z } from 'zod'
import { defineAttack } from '../../src/plugin.js'
import { gridOf } from './lib/grid.js'
import { warp, type Motion } from './lib/warp.js'

/** Of each severity: at 5 they are the ±30° and the tenth of the side of the paper. */
const degrees = 6
const shareOfSide = 0.02

export const spatial = defineAttack({
  id: 'spatial',
  version: 1,
  title: 'Rotation and translation',
  source: 'Engstrom et al. 2019, arXiv:1712.02779, sections 3 and 4: worst of k, or a grid',
  atlas: 'AML.T0043.001',
  kind: 'fixed-epsilon',
  needs: ['labels'],
  norms: ['severity'],
  goals: ['untargeted', 'targeted'],
  restarts: 1,
  params: z.object({
    search: z
      .enum(['random', 'grid'])
      .default('random')
      .describe('random motions, or all of a grid'),
    tries: z.int().min(1).max(1_000_000).default(10).describe('random motions per sample'),
    angles: z.int().min(1).max(1000).default(31).describe('angles of the grid'),
    shifts: z.int().min(1).max(100).default(5).describe('shifts of the grid along each axis'),
  }),
  label: ({ search, tries, angles, shifts }) =>
    search === 'random' ? `spatial-${tries}` : `spatial-${angles}x${shifts}x${shifts}`,
  async run(context, { search, tries, angles, shifts }) {
    const { epsilon, bounds } = context.threat
    const grid = gridOf(context.shape)
    /** Each part on [−1, 1]: of the greatest angle and shift. */
    const motionOf = (turn: number, down: number, right: number): Motion => ({
      angle: (turn * epsilon * degrees * Math.PI) / 180,
      down: down * epsilon * shareOfSide * grid.height,
      right: right * epsilon * shareOfSide * grid.width,
    })
    const count = search === 'random' ? tries : angles * shifts * shifts
    for (let k = 0; k < count && context.living > 0; k++) {
      for (const { clean, point, rng } of context.samples) {
        const random = (): number => 2 * rng.uniform() - 1
        const motion =
          search === 'random'
            ? motionOf(random(), random(), random())
            : motionOf(
                place(Math.floor(k / shifts ** 2), angles),
                place(Math.floor(k / shifts) % shifts, shifts),
                place(k % shifts, shifts),
              )
        // What comes in at the edge is black, or what is nearest to it within the bounds.
        warp(clean, grid, motion, Math.min(Math.max(0, bounds[0]), bounds[1]), point)
      }
      await context.score()
    }
  },
})

/** The k-th of n places from −1 to 1; the middle where there is one only. */
const place = (k: number, n: number): number => (n < 2 ? 0 : (2 * k) / (n - 1) - 1)
