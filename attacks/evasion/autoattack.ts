import { z } from 'zod'
import { defineAttack, type AttackPlugin, type Norm } from '../../src/plugin.js'
import { apgdCe } from './apgd-ce.js'
import { apgdDlr } from './apgd-dlr.js'
import { apgdT } from './apgd-t.js'
import { fabT } from './fab-t.js'
import { square } from './square.js'

const params = z.object({
  version: z
    .enum(['standard', 'rand'])
    .default('standard')
    .describe(
      'standard: APGD-CE, APGD-T, FAB-T and Square; rand: APGD-CE and APGD-DLR, for models with random layers, to be run with eot 20',
    ),
  steps: z.int().min(1).max(100_000).default(100).describe('gradient steps of each part'),
  queries: z.int().min(1).max(1_000_000).default(5000).describe('queries of Square'),
})

interface Part {
  readonly attack: AttackPlugin
  readonly params: Readonly<Record<string, unknown>>
  readonly restarts?: number
}

/** In the order of the authors' program, cheap first: later parts see only what the earlier ones left standing. */
function partsOf(
  { version, steps, queries }: z.output<typeof params>,
  norm: Norm,
): readonly Part[] {
  const byLoss: Part = { attack: apgdCe, params: { steps } }
  if (version === 'rand') return [byLoss, { attack: apgdDlr, params: { steps } }]
  const isL1 = norm === 'l1'
  return [
    { ...byLoss, restarts: isL1 ? 5 : 1 },
    { attack: apgdT, params: { steps, targets: isL1 ? 5 : 9 } },
    { attack: fabT, params: { steps, targets: 9 } },
    ...(square.norms.includes(norm)
      ? [{ attack: square, params: { queries, rescaleSchedule: false } }]
      : []),
  ]
}

export const autoattack = defineAttack({
  id: 'autoattack',
  version: 1,
  title: 'AutoAttack: a chain of attacks without parameters to tune',
  source:
    'Croce & Hein 2020, arXiv:2003.01690, section 5; budgets in L1: Croce & Hein 2021, arXiv:2103.01208',
  atlas: 'AML.T0043.000',
  kind: 'fixed-epsilon',
  needs: ['gradient', 'scores'],
  norms: ['linf', 'l2', 'l1'],
  goals: ['untargeted'],
  scales: true,
  restarts: 1,
  params,
  label: ({ version, steps }) =>
    `AutoAttack${version === 'standard' ? '' : `-${version}`}${steps === 100 ? '' : `-${steps}`}`,
  async run(context, options) {
    const { norm } = context.threat
    if (options.version === 'standard' && !square.norms.includes(norm))
      context.note(`autoattack: without Square, which has no form for ${norm}`)
    for (const { attack, ...rest } of partsOf(options, norm)) await context.run(attack, rest)
  },
})
