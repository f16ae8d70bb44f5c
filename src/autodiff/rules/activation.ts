import { float } from '../../graph/builder.js'
import { isFixed } from '../../graph/shapes.js'
import { tensorOfFloats } from '../../graph/tensor.js'
import { isPositive, isSame } from '../emit.js'
import {
  broadcasting,
  gradient,
  type Gradients,
  type RuleContext,
  type RuleTable,
} from '../rule.js'

/** A function of one value: dX = dY · f'(X), written with the output Y where that is cheaper. */
const unary = (derivative: (context: RuleContext) => string): RuleTable[string] =>
  gradient((context) => [context.g.emit('Mul', [context.dy[0]!, derivative(context)])])

const plus = (context: RuleContext, value: string, offset: number): string =>
  offset === 0 ? value : context.g.emit('Add', [value, context.scalar(offset)])

const times = (context: RuleContext, value: string, factor: number): string =>
  factor === 1 ? value : context.g.emit('Mul', [value, context.scalar(factor)])

/** 1 − value. */
const rest = (context: RuleContext, value: string): string =>
  context.g.emit('Sub', [context.scalar(1), value])

const square = ({ g }: RuleContext, value: string): string => g.emit('Mul', [value, value])

/** The node's own function of another value: the sigmoid in Softplus's derivative, … */
const apply = ({ g }: RuleContext, op: string, value: string): string => g.emit(op, [value])

/** 1 for X > 0, α elsewhere. */
function leakyRelu(context: RuleContext): string {
  const alpha = context.float('alpha', 0.01)
  const step = isPositive(context, context.x[0]!)
  if (alpha >= 0 && alpha <= 1) return context.g.emit('Max', [step, context.scalar(alpha)])
  return plus(context, times(context, step, 1 - alpha), alpha)
}

/** dX = dY · (slope + [X > 0]·(1 − slope)), dSlope = dY · min(X, 0). */
function pRelu(context: RuleContext): Gradients {
  const { g, x, dy, wants } = context
  const slope = x[1]!
  const dX = (): string => {
    const step = g.emit('Mul', [isPositive(context, x[0]!), rest(context, slope)])
    return g.emit('Mul', [dy[0]!, g.emit('Add', [step, slope])])
  }
  const below = (): string => g.emit('Min', [x[0]!, context.scalar(0)])
  return [wants[0] ? dX() : null, wants[1] ? g.emit('Mul', [dy[0]!, below()]) : null]
}

/**
 * The Elu family: below 0 the derivative is Y·`factor` + `offset`, above it is `above`. As one formula without a
 * choice: min(Y, 0)·factor + offset + [X > 0]·(above − offset).
 */
function exponentialUnit(
  context: RuleContext,
  factor: number,
  offset: number,
  above: number,
): string {
  const { g, x, y } = context
  const below = times(context, g.emit('Min', [y[0]!, context.scalar(0)]), factor)
  const slope = plus(context, below, offset)
  if (above === offset) return slope
  return g.emit('Add', [slope, times(context, isPositive(context, x[0]!), above - offset)])
}

/** 1 where 0 < value < 1, else 0. */
function isInside(context: RuleContext, value: string): string {
  return isPositive(context, context.g.emit('Mul', [value, rest(context, value)]))
}

/**
 * Y = X·S with S = clip(X/6 + ½, 0, 1).  Y' = S + X/6·[X² < 9]. In float32 images every part is an operator of ONNX
 * Runtime's blocked layout, which MobileNets would otherwise leave and enter again at each of their activations.
 */
function hardSwish(context: RuleContext): string {
  const { g } = context
  const x = context.x[0]!
  const { dtype, shape } = context.info(x)
  if (dtype !== 'float32') {
    const line = plus(context, times(context, x, 1 / 6), 0.5)
    const s = g.emit('Clip', [line, context.scalar(0), context.scalar(1)])
    return g.emit('Add', [s, g.emit('Mul', [isInside(context, s), plus(context, s, -0.5)])])
  }
  const s = g.emit('HardSigmoid', [x], { alpha: float(1 / 6), beta: float(0.5) })
  const isInner = g.emit('HardSigmoid', [square(context, x)], {
    alpha: float(-1e30),
    beta: float(9e30),
  })
  const inner = g.emit('Mul', [x, isInner])
  const [, channels] = shape
  const isBlocked = shape.length === 4 && isFixed(channels!) && channels % 16 === 0
  if (!isBlocked) return g.emit('Add', [s, times(context, inner, 1 / 6)])
  // As a Conv the factor and the sum are one kernel.
  const sixths = tensorOfFloats([channels, 1, 1, 1], new Float32Array(channels).fill(1 / 6))
  const scaled = g.emit('Conv', [inner, g.constant(sixths, 'sixths')], {
    kernel_shape: [1, 1],
    group: channels,
  })
  return g.emit('Add', [scaled, s])
}

/**
 * Gradient 1 inside and on the borders, as PyTorch's clamp: where Y = X. A border gets what lies beyond it.
 */
function clip(context: RuleContext): Gradients {
  const { g, x, y, dy, wants } = context
  const beyond = (excess: string): string => {
    const part = g.emit('Mul', [dy[0]!, isPositive(context, excess)])
    return g.emit('ReduceSum', [part], { keepdims: 0 })
  }
  return [
    wants[0] ? g.emit('Mul', [dy[0]!, isSame(context, x[0]!, y[0]!)]) : null,
    wants[1] ? beyond(g.emit('Sub', [y[0]!, x[0]!])) : null,
    wants[2] ? beyond(g.emit('Sub', [x[0]!, y[0]!])) : null,
  ]
}

/** Φ(X) + X·φ(X) with the normal distribution Φ; or the derivative of its tanh approximation. */
function gelu(context: RuleContext): string {
  const { g } = context
  const x = context.x[0]!
  const half = (value: string): string => times(context, plus(context, value, 1), 0.5)
  if (context.string('approximate', 'none') === 'tanh') {
    const k = Math.sqrt(2 / Math.PI)
    const cubic = 0.044715
    const xx = square(context, x)
    const u = g.emit('Mul', [x, plus(context, times(context, xx, k * cubic), k)])
    const t = g.emit('Tanh', [u])
    const du = plus(context, times(context, xx, 1.5 * k * cubic), 0.5 * k)
    const slope = g.emit('Mul', [g.emit('Mul', [rest(context, square(context, t)), du]), x])
    return g.emit('Add', [half(t), slope])
  }
  const u = times(context, x, Math.SQRT1_2)
  const erf = g.emit('Erf', [u])
  // The same nodes as in `lowerGelu`: what the forward pass has computed is not computed again.
  const distribution =
    context.info(x).dtype === 'float32'
      ? g.emit('HardSigmoid', [erf], { alpha: float(0.5), beta: float(0.5) })
      : half(erf)
  const logOfBell = g.emit('Sub', [
    context.scalar(-0.5 * Math.log(2 * Math.PI)),
    square(context, u),
  ])
  const density = g.emit('Mul', [x, g.emit('Exp', [logOfBell])])
  return g.emit('Add', [distribution, density])
}

/** Y = X·T, T = tanh(softplus(X)).  Y' = T + X·(1 − T²)·sigmoid(X). */
function mish(context: RuleContext): string {
  const { g } = context
  const x = context.x[0]!
  const t = apply(context, 'Tanh', apply(context, 'Softplus', x))
  const inner = g.emit('Mul', [rest(context, square(context, t)), apply(context, 'Sigmoid', x)])
  return g.emit('Add', [t, g.emit('Mul', [x, inner])])
}

/** dX = Y·dY − Y·Σ Y·dY, the sum along `axis`. */
function softmax({ g, y, dy, int }: RuleContext): Gradients {
  const product = g.emit('Mul', [dy[0]!, y[0]!])
  const sum = g.emit('ReduceSum', [product, g.ints([int('axis', -1)])], { keepdims: 1 })
  return [g.emit('Sub', [product, g.emit('Mul', [y[0]!, sum])])]
}

/** dX = dY − exp(Y)·Σ dY, the sum along `axis`. */
function logSoftmax({ g, y, dy, int }: RuleContext): Gradients {
  const sum = g.emit('ReduceSum', [dy[0]!, g.ints([int('axis', -1)])], { keepdims: 1 })
  return [g.emit('Sub', [dy[0]!, g.emit('Mul', [g.emit('Exp', [y[0]!]), sum])])]
}

export const activationRules: RuleTable = {
  /** 0 at 0, as PyTorch. Read from Y: X need not be kept. */
  Relu: unary((context) => isPositive(context, context.y[0]!)),
  LeakyRelu: unary(leakyRelu),
  PRelu: broadcasting(pRelu),
  ThresholdedRelu: unary((context) =>
    isPositive(context, plus(context, context.x[0]!, -context.float('alpha', 1))),
  ),
  Elu: unary((context) => exponentialUnit(context, 1, context.float('alpha', 1), 1)),
  Celu: unary((context) => exponentialUnit(context, 1 / context.float('alpha', 1), 1, 1)),
  /** Constants: ONNX Operators.md, Selu. */
  Selu: unary((context) => {
    const gamma = context.float('gamma', 1.0507009873554805)
    return exponentialUnit(context, 1, gamma * context.float('alpha', 1.6732632423543772), gamma)
  }),
  Clip: gradient(clip),

  /** Y·(1 − Y). */
  Sigmoid: unary((context) => context.g.emit('Mul', [context.y[0]!, rest(context, context.y[0]!)])),
  HardSigmoid: unary((context) =>
    times(context, isInside(context, context.y[0]!), context.float('alpha', 0.2)),
  ),
  HardSwish: unary(hardSwish),
  /** 1 − Y². */
  Tanh: unary((context) => rest(context, square(context, context.y[0]!))),
  Softplus: unary((context) => apply(context, 'Sigmoid', context.x[0]!)),
  /** (1 − |Y|)². */
  Softsign: unary((context) =>
    square(context, rest(context, context.g.emit('Abs', [context.y[0]!]))),
  ),
  Gelu: unary(gelu),
  Mish: unary(mish),
  /** 1 beyond ±λ, 0 between. */
  Shrink: unary((context) => {
    const size = apply(context, 'Abs', context.x[0]!)
    return isPositive(context, plus(context, size, -context.float('lambd', 0.5)))
  }),
  Softmax: gradient(softmax),
  LogSoftmax: gradient(logSoftmax),
}
