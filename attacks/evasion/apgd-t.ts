import { z } from 'zod'
import { defineAttack } from '../../src/plugin.js'
import { apgdParams } from './lib/apgd-params.js'
import { autoPgd } from './lib/apgd.js'
import { rivalsOf } from './lib/rivals.js'

export const apgdT = defineAttack({
  id: 'apgd-t',
  version: 1,
  title: 'Auto-PGD towards each of the likeliest classes, targeted difference of logits ratio',
  source:
    'Croce & Hein 2020, arXiv:2003.01690, algorithm 1 and eq. 7; L1: Croce & Hein 2021, arXiv:2103.01208',
  atlas: 'AML.T0043.000',
  kind: 'fixed-epsilon',
  needs: ['gradient'],
  norms: ['linf', 'l2', 'l1'],
  goals: ['untargeted'],
  scales: true,
  restarts: 1,
  params: z.object({
    steps: z.int().min(1).max(100_000).default(100).describe('gradient steps per class'),
    targets: z
      .int()
      .min(1)
      .max(1000)
      .default(9)
      .describe('classes tried, by falling score of the clean sample; at most all others'),
    rho: apgdParams.rho,
  }),
  label: ({ steps, targets }) => `APGD-T-${steps}×${targets}`,
  async run(context, { steps, targets, rho }) {
    // The ratio needs a fourth class; where there is none, its numerator alone.
    const loss = context.classes < 4 ? 'difference' : 'dlr'
    if (loss === 'difference')
      context.note(
        'apgd-t: the targeted ratio needs 4 classes, so the plain difference of logits is used',
      )
    context.start('clean')
    await context.score()
    const rivals = new Map<number, readonly number[]>()
    for (const { id, scores, label } of context.samples) rivals.set(id, rivalsOf(scores, label))
    const most = Math.min(targets, context.classes - 1)
    for (let k = 0; k < most && context.living > 0; k++)
      await autoPgd(context, { steps, rho, loss, towards: ({ id }) => rivals.get(id)![k]! })
  },
})
