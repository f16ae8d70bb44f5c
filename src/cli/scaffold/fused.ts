/** The same with the step builder: forward, backward, update and projection in one call. */
export const fused = (name: string): string => `// ${name}.ts
import { defineAttack, type UpdateRule } from 'gauntlet/plugin'
import { z } from 'zod'

/**
 * m ← 0.75·m + ∇/‖∇‖₁, x ← project(x + ascend(m)): compiled into one graph with the model's forward and backward pass.
 * A rule is a constant of its module, because programs are kept by it.
 */
const heavyBall: UpdateRule = {
  state: { momentum: 'sample' },
  build(u) {
    const size = u.emit('Max', [u.norm1(u.gradient), u.scalar(1e-30)])
    const unit = u.emit('Div', [u.gradient, size])
    const kept = u.emit('Mul', [u.state['momentum']!, u.scalar(0.75)])
    const momentum = u.emit('Add', [kept, unit])
    const next = u.project(u.emit('Add', [u.xAdv, u.ascend(momentum)]))
    return { next, state: { momentum } }
  },
}

export default defineAttack({
  id: '${name}',
  version: 1, // raise it when the same parameters give other examples: results are kept by it
  title: 'Gradient ascent with momentum, fused',
  source: 'Dong et al. 2018, arXiv:1710.06081, eqs. 6 and 7; steps that shrink',
  kind: 'fixed-epsilon',
  needs: ['gradient'],
  norms: ['linf', 'l2'],
  goals: ['untargeted', 'targeted'],
  restarts: 1,
  params: z.object({
    steps: z.int().min(1).max(10_000).default(20).describe('gradient steps per restart'),
  }),
  label: ({ steps }) => \`${name}-\${steps}\`,
  async run(context, { steps }) {
    context.start('random')
    for (let step = 0; step < steps && context.living > 0; step++) {
      const stepSize = context.threat.epsilon * (1 - step / steps)
      await context.step({ loss: 'ce', stepSize, update: heavyBall })
    }
  },
})
`
