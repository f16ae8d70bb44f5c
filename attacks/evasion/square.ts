import { z } from 'zod'
import { defineAttack } from '../../src/plugin.js'
import { gridOf, Saved } from './lib/grid.js'
import { objectiveNames, objectiveOf } from './lib/objective.js'
import { linfSquares } from './lib/square-linf.js'
import { l2Squares } from './lib/square-l2.js'

/** Of 10,000 queries: after each of these the share of the picture that changes is halved. */
const halvings = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000]

function shareAt(pInit: number, at: number): number {
  return pInit / 2 ** halvings.filter((after) => at > after).length
}

export const square = defineAttack({
  id: 'square',
  version: 1,
  title: 'Square attack',
  source: 'Andriushchenko et al. 2020, arXiv:1912.00049, algorithms 1 to 3',
  atlas: 'AML.T0043.001',
  kind: 'fixed-epsilon',
  needs: ['scores'],
  norms: ['linf', 'l2'],
  goals: ['untargeted', 'targeted'],
  scales: true,
  restarts: 1,
  params: z.object({
    queries: z.int().min(1).max(1_000_000).default(5000).describe('queries per restart'),
    pInit: z
      .number()
      .positive()
      .max(1)
      .default(0.8)
      .describe('share of the picture that the first squares cover'),
    rescaleSchedule: z
      .boolean()
      .default(true)
      .describe('stretch the schedule, written for 10,000 queries, to those there are'),
    loss: z
      .enum(objectiveNames)
      .optional()
      .describe('what is ascended; default margin, and ce towards a target'),
  }),
  label: ({ queries, loss }) => `Square-${queries}${loss ? `-${loss}` : ''}`,
  async run(context, { queries, pInit, rescaleSchedule, loss }) {
    const { threat } = context
    const objective = loss ?? (threat.goal.kind === 'targeted' ? 'ce' : 'margin')
    const grid = gridOf(context.shape)
    const squares =
      threat.norm === 'l2' ? l2Squares(grid, threat.epsilon) : linfSquares(grid, context)
    for (const sample of context.samples) squares.start(sample)
    await context.score()
    const best = new Map<number, number>()
    for (const sample of context.samples) best.set(sample.id, objectiveOf(objective, sample))
    const saved = new Map(context.samples.map(({ id }) => [id, new Saved(grid)]))
    for (let query = 1; query < queries && context.living > 0; query++) {
      const share = shareAt(pInit, rescaleSchedule ? Math.floor((10_000 * query) / queries) : query)
      for (const sample of context.samples) squares.propose(sample, share, saved.get(sample.id)!)
      await context.score()
      for (const sample of context.samples) {
        const value = objectiveOf(objective, sample)
        if (value > best.get(sample.id)!) {
          best.set(sample.id, value)
          squares.accept(sample)
        } else saved.get(sample.id)!.restore(sample.point)
      }
    }
  },
})
