import {
  checkDecay,
  checkRange,
  isShare,
  penalised,
  type Optimizer,
  type UpdateInputs,
} from './optimizer.js'

interface Moments {
  /** How much of the mean of gradients stays at a step. Default 0.9. */
  readonly beta1?: number | undefined
  /** How much of the mean of their squares stays. Default 0.999. */
  readonly beta2?: number | undefined
  /** Guards the division by √v. Default 1e-8. */
  readonly epsilon?: number | undefined
}

/** Adam; `weightDecay` is an L2 penalty, whose gradient goes through the moments. */
export interface Adam extends Moments {
  readonly kind: 'adam'
  /** Default 0. */
  readonly weightDecay?: number | undefined
}

/** Adam with the weights decayed on their own. */
export interface AdamW extends Moments {
  readonly kind: 'adamw'
  /** Share of a weight, times the learning rate, that goes at each step. Default 0.01. */
  readonly weightDecay?: number | undefined
}

/**
 * m' = β₁·m + (1 − β₁)·g,   v' = β₂·v + (1 − β₂)·g²,   w' = w − η·(m'/(1 − β₁ᵗ)) / (√(v'/(1 − β₂ᵗ)) + ε)
 * Source: Kingma & Ba 2015, arXiv:1412.6980, algorithm 1.
 */
export function adam(options: Adam): Optimizer {
  const { weightDecay = 0 } = options
  checkDecay(weightDecay)
  return moments(options, (inputs) => ({
    parameter: inputs.parameter,
    gradient: penalised(inputs, weightDecay),
  }))
}

/**
 * As Adam, from (1 − η·λ)·w.
 * Source: Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2; torch.optim.AdamW.
 */
export function adamw(options: AdamW): Optimizer {
  const { weightDecay = 0.01 } = options
  checkDecay(weightDecay)
  return moments(options, ({ g, parameter, gradient, rate }) => {
    if (weightDecay === 0) return { parameter, gradient }
    const lost = g.emit('Mul', [rate, g.scalar(weightDecay)])
    const kept = g.emit('Sub', [g.scalar(1), lost])
    return { parameter: g.emit('Mul', [parameter, kept]), gradient }
  })
}

/**
 * The buffers are m / (1 − β₁) and v / (1 − β₂): what is constant in the formula is in the step's own numbers, and the
 * weights are gone over ten times instead of thirteen.
 *
 * @param start - where the step starts, and along what gradient
 */
function moments(
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: Moments,
  start: (inputs: UpdateInputs) => { parameter: string; gradient: string },
): Optimizer {
  checkRange('wrong beta1', beta1, isShare, '0 to below 1')
  checkRange('wrong beta2', beta2, isShare, '0 to below 1')
  checkRange('wrong epsilon', epsilon, (value) => value > 0, 'a positive number')
  return {
    buffers: ['mean', 'square'],
    scalars: ['step_share', 'epsilon'],
    // In double precision: 1 − β₂ᵗ begins with 0.001, of which float32 has four digits.
    scalarsAt: (step) => {
      const deviations = Math.sqrt((1 - beta2 ** step) / (1 - beta2))
      return {
        step_share: (deviations * (1 - beta1)) / (1 - beta1 ** step),
        epsilon: deviations * epsilon,
      }
    },
    build(inputs) {
      const { g, rate } = inputs
      const { parameter, gradient } = start(inputs)
      const carried = (old: string, share: number, fresh: string): string =>
        g.emit('Add', [g.emit('Mul', [old, g.scalar(share)]), fresh])
      const mean = carried(inputs.buffer('mean'), beta1, gradient)
      const square = carried(inputs.buffer('square'), beta2, g.emit('Mul', [gradient, gradient]))
      const deviation = g.emit('Add', [g.emit('Sqrt', [square]), inputs.scalar('epsilon')])
      const size = g.emit('Mul', [rate, inputs.scalar('step_share')])
      const along = g.emit('Div', [mean, deviation])
      return {
        next: g.emit('Sub', [parameter, g.emit('Mul', [along, size])]),
        buffers: { mean, square },
      }
    },
  }
}
