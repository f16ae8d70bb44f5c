import { GauntletError } from '../../errors.js'
import { checkDecay, checkRange, isShare, penalised, type Optimizer } from './optimizer.js'

/** Stochastic gradient descent. */
export interface Sgd {
  readonly kind: 'sgd'
  /** Share of the last update that goes on, 0 (plain descent) to below 1. Default 0. */
  readonly momentum?: number | undefined
  /** Looks ahead along the momentum, which must be above 0. Default false. */
  readonly nesterov?: boolean | undefined
  /** L2 penalty: its gradient, `weightDecay` times the parameter, is added. Default 0. */
  readonly weightDecay?: number | undefined
}

/**
 * With g = ∂ℓ/∂w + λ·w:   v' = μ·v + g,   w' = w − η·v', and with Nesterov's momentum w' = w − η·(g + μ·v').
 * Source: torch.optim.SGD (PyTorch documentation), dampening 0.
 */
export function sgd({ momentum = 0, nesterov = false, weightDecay = 0 }: Sgd): Optimizer {
  checkRange('wrong momentum', momentum, isShare, '0 to below 1')
  checkDecay(weightDecay)
  if (nesterov && momentum === 0)
    throw new GauntletError('GNT_USAGE', {
      what: "Nesterov's momentum without momentum",
      got: 'momentum 0',
      expected: 'momentum above 0, 0.9 for one',
    })
  return {
    buffers: momentum === 0 ? [] : ['momentum'],
    scalars: [],
    scalarsAt: () => ({}),
    build(inputs) {
      const { g, parameter, rate } = inputs
      const gradient = penalised(inputs, weightDecay)
      const descend = (along: string): string =>
        g.emit('Sub', [parameter, g.emit('Mul', [along, rate])])
      if (momentum === 0) return { next: descend(gradient), buffers: {} }
      const carried = (velocity: string): string =>
        g.emit('Add', [g.emit('Mul', [velocity, g.scalar(momentum)]), gradient])
      const velocity = carried(inputs.buffer('momentum'))
      return {
        next: descend(nesterov ? carried(velocity) : velocity),
        buffers: { momentum: velocity },
      }
    },
  }
}
