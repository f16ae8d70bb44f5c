import { z } from 'zod'
import { defineAttack } from '../../src/plugin.js'
import { fabParams } from './lib/fab-params.js'
import { searchBorder, startHalfway, walkBorder } from './lib/fab.js'
import { rivalsOf } from './lib/rivals.js'

export const fabT = defineAttack({
  id: 'fab-t',
  version: 1,
  title: 'Fast adaptive boundary attack, one class after the other',
  source:
    'Croce & Hein 2020, arXiv:1907.02044, algorithm 1; in its targeted form: arXiv:2003.01690, section 5',
  atlas: 'AML.T0043.000',
  kind: 'minimum-norm',
  needs: ['gradient'],
  norms: ['linf', 'l2', 'l1'],
  goals: ['untargeted'],
  restarts: 1,
  params: z.object({
    ...fabParams,
    targets: z
      .int()
      .min(1)
      .max(1000)
      .default(9)
      .describe('classes tried, by falling score of the clean sample; at most all others'),
  }),
  label: ({ steps, targets }) => `FAB-T-${steps}×${targets}`,
  async run(context, { starts, targets, ...options }) {
    context.start('clean')
    await context.score()
    const rivals = new Map<number, readonly number[]>()
    for (const { id, scores, label } of context.samples) rivals.set(id, rivalsOf(scores, label))
    const most = Math.min(targets, context.classes - 1)
    for (let k = 0; k < most; k++)
      for (let start = 0; start < starts && context.living > 0; start++) {
        context.start('clean')
        if (start > 0) startHalfway(context)
        await walkBorder(context, options, [({ id }) => rivals.get(id)![k]!])
      }
    await searchBorder(context)
  },
})
