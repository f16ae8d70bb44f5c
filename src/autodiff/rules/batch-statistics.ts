import { choice, gradient, type Gradients, type RuleContext, type RuleTable } from '../rule.js'
import { rules } from './index.js'
import { inverseDeviation, perChannel } from './norm.js'

/**
 * BatchNormalization whose mean and variance are those of X itself, over all axes but the channels' (`trainMode`): the
 * whole derivative by X, through the statistics as well, so that nothing arrives at these.
 *
 *     dX = s·(dY − mean dY − x̂·mean(dY·x̂)),   dscale = Σ dY·x̂,   dbias = Σ dY
 *
 * with s = scale / √(var + ε), x̂ = (X − mean) / √(var + ε). X (N, C, …S), means and sums over (N, …S).
 * Source: Ioffe & Szegedy 2015, arXiv:1502.03167, section 3.
 */
function batchStatistics(context: RuleContext): Gradients {
  const { g, x, dy, wants } = context
  const dY = dy[0]!
  const [data, scale, , mean, variance] = x as [string, string, string, string, string]
  const rank = context.shape(data).length
  const axes = g.ints(Array.from({ length: rank }, (_, axis) => axis).filter((axis) => axis !== 1))
  const wide = (value: string): string => perChannel(context, value, rank)
  const inverse = inverseDeviation(context, variance, context.float('epsilon', 1e-5))
  const centred = g.emit('Sub', [data, wide(mean)])
  const average = (value: string): string => g.emit('ReduceMean', [value, axes], { keepdims: 0 })
  const [meanDy, along] = [average(dY), average(g.emit('Mul', [dY, centred]))]
  // Σ = mean · M.
  const count = g.emit('Div', [size(context, data), size(context, scale)])
  const dX = (): string => {
    const slope = g.emit('Mul', [scale, inverse])
    const pull = g.emit('Mul', [along, g.emit('Mul', [inverse, inverse])])
    const rest = g.emit('Sub', [
      g.emit('Sub', [dY, wide(meanDy)]),
      g.emit('Mul', [centred, wide(pull)]),
    ])
    return g.emit('Mul', [rest, wide(slope)])
  }
  return [
    wants[0] ? dX() : null,
    wants[1] ? g.emit('Mul', [g.emit('Mul', [along, inverse]), count]) : null,
    wants[2] ? g.emit('Mul', [meanDy, count]) : null,
  ]
}

const size = ({ g }: RuleContext, value: string): string =>
  g.emit('CastLike', [g.emit('Size', [value]), value])

/** The rules, with those nodes of BatchNormalization differentiated through the statistics of their batch. */
export function rulesOfTraining(normalised: ReadonlySet<string>): RuleTable {
  const stored = rules['BatchNormalization']!
  if (stored.kind === 'choice') throw new TypeError('BatchNormalization has one rule')
  const ofBatch = gradient(batchStatistics)
  return {
    ...rules,
    BatchNormalization: choice('through the statistics of the batch in training', ({ name }) =>
      normalised.has(name) ? ofBatch : stored,
    ),
  }
}
