import { z } from 'zod'
import { defineAttack, lossNames, type UpdateRule } from '../../src/plugin.js'

/**
 * One rule for each decay: g ← μ·g + ∇/‖∇‖₁, x ← project(x + ascend(g)). Kept, because programs are compiled by rule.
 * Source: Dong et al. 2018, arXiv:1710.06081, eqs. 6 and 7.
 */
const rules = new Map<number, UpdateRule>()

function ruleOf(decay: number): UpdateRule {
  const known = rules.get(decay)
  if (known) return known
  const rule: UpdateRule = {
    state: { momentum: 'sample' },
    build(u) {
      const length = u.emit('Max', [u.norm1(u.gradient), u.scalar(1e-30)])
      const unit = u.emit('Div', [u.gradient, length])
      const kept = u.emit('Mul', [u.state.momentum!, u.scalar(decay)])
      const momentum = u.emit('Add', [kept, unit])
      const next = u.project(u.emit('Add', [u.xAdv, u.ascend(momentum)]))
      return { next, state: { momentum } }
    },
  }
  rules.set(decay, rule)
  return rule
}

export const miFgsm = defineAttack({
  id: 'mi-fgsm',
  version: 1,
  title: 'Momentum iterative FGSM',
  source: 'Dong et al. 2018, arXiv:1710.06081',
  atlas: 'AML.T0043.000',
  kind: 'fixed-epsilon',
  needs: ['gradient'],
  norms: ['linf', 'l2'],
  goals: ['untargeted', 'targeted'],
  scales: true,
  restarts: 1,
  params: z.object({
    steps: z.int().min(1).max(100_000).default(10).describe('gradient steps per restart'),
    decay: z.number().min(0).max(10).default(1).describe('decay factor μ of the momentum'),
    loss: z.enum(lossNames).default('ce').describe('loss to ascend: ce, margin or dlr'),
  }),
  label: ({ steps, loss }) => `MI-FGSM-${steps}${loss === 'ce' ? '' : `-${loss}`}`,
  async run(context, { steps, decay, loss }) {
    const stepSize = context.threat.epsilon / steps
    context.start('clean')
    for (let step = 0; step < steps && context.living > 0; step++)
      await context.step({ loss, stepSize, update: ruleOf(decay) })
  },
})
