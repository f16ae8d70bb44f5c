import { z } from 'zod'
import { defineAttack } from '../../src/plugin.js'
import { apgdParams } from './lib/apgd-params.js'
import { autoPgd } from './lib/apgd.js'

export const apgdCe = defineAttack({
  id: 'apgd-ce',
  version: 1,
  title: 'Auto-PGD, cross-entropy',
  source:
    'Croce & Hein 2020, arXiv:2003.01690, algorithm 1; L1: Croce & Hein 2021, arXiv:2103.01208',
  atlas: 'AML.T0043.000',
  kind: 'fixed-epsilon',
  needs: ['gradient'],
  norms: ['linf', 'l2', 'l1'],
  goals: ['untargeted', 'targeted'],
  scales: true,
  restarts: 1,
  params: z.object(apgdParams),
  label: ({ steps }) => `APGD-CE-${steps}`,
  run: (context, { steps, rho }) => autoPgd(context, { steps, rho, loss: 'ce' }),
})
