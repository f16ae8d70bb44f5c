import { z } from 'zod'
import { defineAttack } from '../../src/plugin.js'
import { fabParams } from './lib/fab-params.js'
import { searchBorder, startHalfway, walkBorder, type Towards } from './lib/fab.js'
import { rivalsOf } from './lib/rivals.js'

export const fab = defineAttack({
  id: 'fab',
  version: 1,
  title: 'Fast adaptive boundary attack',
  source: 'Croce & Hein 2020, arXiv:1907.02044, algorithm 1',
  atlas: 'AML.T0043.000',
  kind: 'minimum-norm',
  needs: ['gradient'],
  norms: ['linf', 'l2', 'l1'],
  goals: ['untargeted', 'targeted'],
  restarts: 1,
  params: z.object({
    ...fabParams,
    candidates: z
      .int()
      .min(1)
      .max(1000)
      .default(10)
      .describe('most classes looked at per step, by falling score of the clean sample'),
  }),
  label: ({ steps, starts }) => `FAB-${steps}${starts > 1 ? `×${starts}` : ''}`,
  async run(context, { starts, candidates, ...options }) {
    context.start('clean')
    await context.score()
    const rivals = new Map<number, readonly number[]>()
    for (const { id, scores, label } of context.samples) rivals.set(id, rivalsOf(scores, label))
    const most = Math.min(candidates, context.classes - 1)
    const classes: readonly Towards[] =
      context.threat.goal.kind === 'targeted'
        ? [({ target }) => target]
        : Array.from(
            { length: most },
            (_, k): Towards =>
              ({ id }) =>
                rivals.get(id)![k]!,
          )
    for (let start = 0; start < starts && context.living > 0; start++) {
      context.start('clean')
      if (start > 0) startHalfway(context)
      await walkBorder(context, options, classes)
    }
    await searchBorder(context)
  },
})
