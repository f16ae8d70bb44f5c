import { z } from 'zod'
import { defineAttack } from '../../src/plugin.js'
import { attackL2 } from './lib/cw-l2.js'
import { attackLinf } from './lib/cw-linf.js'

/** What the authors' programs begin with; in L∞ a run is short, as there is one for each τ. */
const defaults = {
  l2: { steps: 10_000, stepSize: 0.01, firstConstant: 1e-3 },
  linf: { steps: 1000, stepSize: 0.005, firstConstant: 1e-5 },
} as const

export const cw = defineAttack({
  id: 'cw',
  version: 1,
  title: 'Carlini & Wagner',
  source: 'Carlini & Wagner 2017, arXiv:1608.04644, sections VI.A and VI.C',
  atlas: 'AML.T0043.000',
  kind: 'minimum-norm',
  needs: ['gradient'],
  norms: ['l2', 'linf'],
  goals: ['untargeted', 'targeted'],
  restarts: 1,
  params: z.object({
    steps: z
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe('most gradient steps of a run; default 10000 in L2, 1000 in Linf'),
    stepSize: z
      .number()
      .positive()
      .optional()
      .describe('learning rate of Adam, in tanh space; default 0.01 in L2, 0.005 in Linf'),
    confidence: z.number().min(0).default(0).describe('κ: by how much the logits must differ'),
    firstConstant: z
      .number()
      .positive()
      .optional()
      .describe('c of the first run; default 0.001 in L2, 0.00001 in Linf'),
    runs: z.int().min(1).max(100).default(9).describe('L2: constants tried (binary search)'),
    abortEarly: z
      .boolean()
      .default(true)
      .describe('L2: end a run when the objective has not fallen within a tenth of its steps'),
    largestConstant: z.number().positive().default(20).describe('Linf: c is doubled up to here'),
    tauFactor: z
      .number()
      .min(0.1)
      .max(0.999)
      .default(0.9)
      .describe('Linf: τ of the next run, as a part of what the last one reached'),
    leastTau: z
      .number()
      .min(0)
      .max(1)
      .default(1 / 256)
      .describe('Linf: no smaller τ is tried, as a part of the distance of the bounds'),
  }),
  label: () => 'C&W',
  async run(context, params) {
    const { norm } = context.threat
    context.start('clean')
    if (norm === 'linf') await attackLinf(context, { ...params, ...chosen(params, defaults.linf) })
    else await attackL2(context, { ...params, ...chosen(params, defaults.l2) })
  },
})

interface Choice {
  readonly steps?: number | undefined
  readonly stepSize?: number | undefined
  readonly firstConstant?: number | undefined
}

const chosen = (params: Choice, otherwise: Required<Choice>) => ({
  steps: params.steps ?? otherwise.steps!,
  stepSize: params.stepSize ?? otherwise.stepSize!,
  firstConstant: params.firstConstant ?? otherwise.firstConstant!,
})
