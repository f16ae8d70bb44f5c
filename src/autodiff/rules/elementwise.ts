import { tensorOf, isFloating, numbers } from '../../graph/tensor.js'
import { GauntletError } from '../../errors.js'
import { gradientType } from '../context.js'
import { cast, isSame, tiny, uniformValue, wins } from '../emit.js'
import {
  broadcasting,
  choice,
  gradient,
  straightThrough,
  zero,
  type Gradients,
  type RuleContext,
  type RuleTable,
} from '../rule.js'

/** A function of one value: dX = dY · f'(X). */
const unary = (derivative: (context: RuleContext) => string): RuleTable[string] =>
  gradient((context) => [context.g.emit('Mul', [context.dy[0]!, derivative(context)])])

/** Y = A / B.  dA = dY / B, dB = −dA · Y. */
function div({ g, x, y, dy, wants }: RuleContext): Gradients {
  const dA = g.emit('Div', [dy[0]!, x[1]!])
  return [dA, wants[1] ? g.emit('Neg', [g.emit('Mul', [dA, y[0]!])]) : null]
}

/**
 * Y = A^B.  dA = dY · B · A^(B−1), and 0 where B = 0; dB = dY · Y · ln A, and 0 where A ≤ 0, as PyTorch at A = 0.
 * A and B may be of different types.
 */
function pow(context: RuleContext): Gradients {
  const { g, x, y, dy, wants } = context
  const [base, exponent] = x as [string, string]
  const dY = dy[0]!
  const { dtype } = context.info(base)
  const lnBase = (): string =>
    g.emit('Where', [
      g.emit('Greater', [base, context.scalar(0)]),
      g.emit('Log', [base]),
      context.scalar(0),
    ])
  const dB = (): string => {
    const product = g.emit('Mul', [dY, g.emit('Mul', [y[0]!, lnBase()])])
    return cast(context, product, context.info(exponent).dtype)
  }
  return [wants[0] ? powBase(context, dtype) : null, wants[1] ? dB() : null]
}

/**
 * A root is infinitely steep at 0. A great number takes the place of infinity, which would be no number once a mask or
 * another zero is multiplied to it: PyTorch's lp_pool over zeros, a norm written out.
 */
const atLeastTiny = (context: RuleContext, value: string): string =>
  context.g.emit('Max', [value, tiny(context)])

function powBase(context: RuleContext, dtype: Parameters<typeof tensorOf>[0]): string | null {
  const { g, x, y, dy } = context
  const [base, exponent] = x as [string, string]
  const dY = dy[0]!
  const constant = g.initializer(exponent)
  const times = (slope: string): string => g.emit('Mul', [dY, slope])
  const uniform = uniformValue(constant)
  if (uniform !== undefined) {
    const p = context.scalar(uniform)
    switch (uniform) {
      case 0:
        return null
      case 1:
        return dY
      case 2:
        return times(g.emit('Mul', [base, p]))
      case 0.5:
        return g.emit('Div', [g.emit('Mul', [dY, p]), atLeastTiny(context, y[0]!)])
      default: {
        const finite = uniform > 0 && uniform < 1 ? atLeastTiny(context, base) : base
        return times(g.emit('Mul', [g.emit('Pow', [finite, context.scalar(uniform - 1)]), p]))
      }
    }
  }
  const power = constant
    ? g.constant(tensorOf(dtype, constant.dims, Array.from(numbers(constant))), 'exponent')
    : cast(context, exponent, dtype)
  const slope = g.emit('Mul', [
    power,
    g.emit('Pow', [base, g.emit('Sub', [power, context.scalar(1)])]),
  ])
  const isConstant = g.emit('Equal', [power, context.scalar(0)])
  return times(g.emit('Where', [isConstant, context.scalar(0), slope]))
}

/**
 * Max and Min of any number of inputs; the ones that share the extreme value share the gradient evenly, as PyTorch's
 * maximum and minimum.
 */
const extreme = (sign: 1 | -1): RuleTable[string] =>
  broadcasting((context) => {
    const { g, x, y, dy, wants } = context
    const dY = dy[0]!
    if (x.length === 1) return [dY]
    if (x.length === 2) {
      const [a, b] = x as [string, string]
      const share = (own: string, other: string): string =>
        g.emit('Mul', [dY, sign > 0 ? wins(context, own, other) : wins(context, other, own)])
      if (!wants[0]) return [null, share(b, a)]
      const dA = share(a, b)
      return [dA, wants[1] ? g.emit('Sub', [dY, dA]) : null]
    }
    const masks = x.map((input) => isSame(context, input, y[0]!))
    const share = g.emit('Div', [dY, g.emit('Sum', masks)])
    return masks.map((mask, k) => (wants[k] ? g.emit('Mul', [mask, share]) : null))
  })

/** Y = Where(C, A, B). The condition gets none. */
function where(context: RuleContext): Gradients {
  const { g, x, y, dy, wants } = context
  const none = g.scalar(0, context.info(y[0]!).dtype)
  return [
    null,
    wants[1] ? g.emit('Where', [x[0]!, dy[0]!, none]) : null,
    wants[2] ? g.emit('Where', [x[0]!, none, dy[0]!]) : null,
  ]
}

/** Identity when a model is run; in training mode it is random and has no place in a model under test. */
function dropout({ g, x, dy, node }: RuleContext): Gradients {
  const training = x[2] ? uniformValue(g.initializer(x[2])) : 0
  if (training !== 0)
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: 'Dropout in training mode cannot be differentiated',
      where: `node ${node.name}`,
      fix: 'export the model in evaluation mode',
    })
  return [dy[0]!]
}

/** To an integer: a rounding, straight through. To bool: a comparison. */
const castRule = choice('to integers straight through, to bool zero', (node, info) => {
  const from = info(node.inputs[0]!).dtype
  const to = info(node.outputs[0]!).dtype
  if (to === 'bool') return zero
  const [back, arriving] = [gradientType(from), gradientType(to)]
  const apply = (context: RuleContext): Gradients => [
    back === arriving ? context.dy[0]! : cast(context, context.dy[0]!, back),
  ]
  return isFloating(to) ? gradient(apply) : straightThrough('identity', apply)
})

export const elementwiseRules: RuleTable = {
  Add: broadcasting(({ dy }) => [dy[0]!, dy[0]!]),
  Sub: broadcasting(({ g, dy, wants }) => [dy[0]!, wants[1] ? g.emit('Neg', [dy[0]!]) : null]),
  Mul: broadcasting(({ g, x, dy, wants }) => [
    wants[0] ? g.emit('Mul', [dy[0]!, x[1]!]) : null,
    wants[1] ? g.emit('Mul', [dy[0]!, x[0]!]) : null,
  ]),
  Div: broadcasting(div),
  Pow: broadcasting(pow),
  Sum: broadcasting(({ x, dy }) => x.map(() => dy[0]!)),
  Mean: broadcasting((context) => {
    const share = context.g.emit('Mul', [context.dy[0]!, context.scalar(1 / context.x.length)])
    return context.x.map(() => share)
  }),
  Mod: broadcasting(mod),
  Max: extreme(1),
  Min: extreme(-1),
  Where: broadcasting(where),

  Identity: gradient(({ dy }) => [dy[0]!]),
  Dropout: gradient(dropout),
  Cast: castRule,
  CastLike: castRule,

  Neg: gradient(({ g, dy }) => [g.emit('Neg', [dy[0]!])]),
  Abs: unary(({ g, x }) => g.emit('Sign', [x[0]!])),
  Exp: unary(({ y }) => y[0]!),
  Log: gradient(({ g, x, dy }) => [g.emit('Div', [dy[0]!, x[0]!])]),
  /** dX = dY / 2Y. */
  Sqrt: gradient((context) => {
    const half = context.g.emit('Mul', [context.dy[0]!, context.scalar(0.5)])
    return [context.g.emit('Div', [half, atLeastTiny(context, context.y[0]!)])]
  }),
  /** dX = −dY · Y². */
  Reciprocal: unary(({ g, y }) => g.emit('Neg', [g.emit('Mul', [y[0]!, y[0]!])])),
  Sin: unary(({ g, x }) => g.emit('Cos', [x[0]!])),
  Cos: unary(({ g, x }) => g.emit('Neg', [g.emit('Sin', [x[0]!])])),
  /** 1 + Y². */
  Tan: unary((context) => onePlusSquare(context, context.y[0]!)),
  Sinh: unary(({ g, x }) => g.emit('Cosh', [x[0]!])),
  Cosh: unary(({ g, x }) => g.emit('Sinh', [x[0]!])),
  /** 1 / (1 + X²). */
  Atan: gradient((context) => [
    context.g.emit('Div', [context.dy[0]!, onePlusSquare(context, context.x[0]!)]),
  ]),
  /** 1 / √(1 − X²) and its negative. */
  Asin: overRoot(1, -1),
  Acos: overRoot(1, -1, -1),
  /** 1 / √(X² + 1), 1 / √(X² − 1). */
  Asinh: overRoot(1, 1),
  Acosh: overRoot(-1, 1),
  /** 1 / (1 − X²). */
  Atanh: gradient((context) => {
    const { g, x, dy } = context
    return [
      g.emit('Div', [dy[0]!, g.emit('Sub', [context.scalar(1), g.emit('Mul', [x[0]!, x[0]!])])]),
    ]
  }),
  /** 2/√π · exp(−X²). */
  Erf: unary((context) => {
    const { g, x } = context
    const bell = g.emit('Exp', [g.emit('Neg', [g.emit('Mul', [x[0]!, x[0]!])])])
    return g.emit('Mul', [bell, context.scalar(2 / Math.sqrt(Math.PI))])
  }),

  Sign: straightThrough('identity'),
  Floor: straightThrough('identity'),
  Ceil: straightThrough('identity'),
  Round: straightThrough('identity'),
}

/** sign / √(constant + square·X²). */
function overRoot(constant: number, square: number, sign = 1): RuleTable[string] {
  return gradient((context) => {
    const { g, x, dy } = context
    const xx = g.emit('Mul', [x[0]!, x[0]!])
    const sum = g.emit(square > 0 ? 'Add' : 'Sub', [context.scalar(constant), xx])
    const root = g.emit('Sqrt', [sum])
    return [g.emit('Div', [sign > 0 ? dy[0]! : g.emit('Neg', [dy[0]!]), root])]
  })
}

/** fmod: A − trunc(A/B)·B, the truncation a constant between its jumps. */
function mod(context: RuleContext): Gradients {
  const { g, x, y, dy, wants } = context
  const times = (): string => g.emit('Div', [g.emit('Sub', [y[0]!, x[0]!]), x[1]!])
  return [wants[0] ? dy[0]! : null, wants[1] ? g.emit('Mul', [dy[0]!, times()]) : null]
}

function onePlusSquare(context: RuleContext, value: string): string {
  const { g } = context
  return g.emit('Add', [g.emit('Mul', [value, value]), context.scalar(1)])
}
