import type { GraphBuilder } from '../../graph/builder.js'
import type { Lowering, LoweringTable } from '../../graph/lower/lowering.js'
import { opsOf, type Ops } from '../../graph/lower/ops.js'

/** A function of one number, written with those that ONNX Runtime has in double precision. */
type Build = (ops: Ops, x: string, g: GraphBuilder) => string

const pointwise =
  (build: Build): Lowering =>
  ({ g, x }) => [build(opsOf(g, 'float64'), x[0]!, g)]

/**
 * Coefficients of the Chebyshev series of log(erfc(z)/t) + z² in 4t − 2, t = 2 / (2 + z), z ≥ 0, worked out with 60
 * digits: what is left out is below 10⁻¹⁶.
 * Source of the form: Press et al. 2007, Numerical Recipes, 3rd edition, section 6.2.2.
 */
const erfcSeries = [
  -1.3026537197817094, 0.6419697923564902, 0.019476473204185836, -0.009561514786808632,
  -0.0009465953444820369, 0.00036683949785276145, 4.252332480690777e-5, -2.0278578112534242e-5,
  -1.6242900046470254e-6, 1.3036558355805232e-6, 1.5626441722066142e-8, -8.523809591492654e-8,
  6.5290544390988515e-9, 5.059343495551469e-9, -9.91364156493033e-10, -2.273651222931836e-10,
  9.646791102015527e-11, 2.3940380830391146e-12, -6.886027526497553e-12, 8.944879273090725e-13,
  3.130921399342958e-13, -1.1270822361367252e-13, 3.810905255189232e-16, 7.106097613609237e-15,
  -1.5230282014571043e-15, -9.457494571291233e-17, 1.210237189224279e-16, -2.816663087747177e-17,
]

/** Clenshaw's recurrence; erf x = sign(x)·(1 − t·exp(series − z²)), z = |x|. */
const erf: Build = (ops, x, g) => {
  const z = ops.unary('Abs', x)
  const t = ops.div(g.scalar(2, 'float64'), ops.shift(z, 2))
  const ty = ops.shift(ops.scale(t, 4), -2)
  const [first, ...rest] = erfcSeries
  let [d, dd] = [ops.scale(ty, 0), ops.scale(ty, 0)]
  for (const coefficient of rest.toReversed()) {
    const next = ops.shift(ops.sub(ops.mul(ty, d), dd), coefficient)
    ;[d, dd] = [next, d]
  }
  const series = ops.sub(ops.scale(ops.shift(ops.mul(ty, d), first!), 0.5), dd)
  const tail = ops.mul(t, ops.unary('Exp', ops.sub(series, ops.mul(z, z))))
  return ops.mul(ops.unary('Sign', x), ops.sub(g.scalar(1, 'float64'), tail))
}

/** Halves the angle four times, then sums the series: atan x = 2·atan(x / (1 + √(1 + x²))). */
const atan: Build = (ops, x, g) => {
  let half = x
  for (let k = 0; k < 4; k++) {
    const hypotenuse = ops.unary('Sqrt', ops.shift(ops.mul(half, half), 1))
    half = ops.div(half, ops.shift(hypotenuse, 1))
  }
  const square = ops.mul(half, half)
  let sum = g.scalar(-1 / 19, 'float64')
  for (let k = 8; k >= 0; k--) sum = ops.shift(ops.mul(square, sum), (k % 2 ? -1 : 1) / (2 * k + 1))
  return ops.scale(ops.mul(half, sum), 16)
}

/** asin x = 2·atan(x / (1 + √(1 − x²))). */
const asin: Build = (ops, x, g) => {
  const one = g.scalar(1, 'float64')
  const leg = ops.unary('Sqrt', ops.sub(one, ops.mul(x, x)))
  return ops.scale(atan(ops, ops.div(x, ops.shift(leg, 1)), g), 2)
}

/** (eˣ ± e⁻ˣ)/2 */
const hyperbolic =
  (sign: 1 | -1): Build =>
  (ops, x) => {
    const back = ops.unary('Exp', ops.unary('Neg', x))
    return ops.scale(ops.add(ops.unary('Exp', x), ops.scale(back, sign)), 0.5)
  }

/** log(x + √(x² ± 1)) */
const areaOf =
  (offset: 1 | -1): Build =>
  (ops, x) =>
    ops.unary('Log', ops.add(x, ops.unary('Sqrt', ops.shift(ops.mul(x, x), offset))))

/** x·½(1 + erf(x/√2)), or with tanh.  Source: Hendrycks and Gimpel 2016, arXiv:1606.08415. */
const gelu: Lowering = ({ g, x, string }) => {
  const ops = opsOf(g, 'float64')
  const [value] = x as [string]
  const half = ops.scale(value, 0.5)
  if (string('approximate', 'none') === 'none')
    return [ops.mul(half, ops.shift(erf(ops, ops.scale(value, Math.SQRT1_2), g), 1))]
  const cube = ops.mul(ops.mul(value, value), value)
  const inner = ops.scale(ops.add(value, ops.scale(cube, 0.044715)), Math.sqrt(2 / Math.PI))
  return [ops.mul(half, ops.shift(ops.unary('Tanh', inner), 1))]
}

/** max(0, x) + min(0, α·(exp(x/α) − 1)) */
const celu: Lowering = ({ g, x, float }) => {
  const ops = opsOf(g, 'float64')
  const alpha = float('alpha', 1)
  const [value] = x as [string]
  const curve = ops.shift(ops.unary('Exp', ops.scale(value, 1 / alpha)), -1)
  const below = g.emit('Min', [g.scalar(0, 'float64'), ops.scale(curve, alpha)])
  return [ops.add(ops.unary('Relu', value), below)]
}

/** x ± bias beyond ±λ, else 0. The kernel takes doubles and computes in single precision. */
const shrink: Lowering = ({ g, x, float }) => {
  const ops = opsOf(g, 'float64')
  const [value] = x as [string]
  const [lambda, bias] = [float('lambd', 0.5), float('bias', 0)]
  const isAbove = g.emit('Greater', [value, g.scalar(lambda, 'float64')])
  const isBelow = g.emit('Less', [value, g.scalar(-lambda, 'float64')])
  const rest = g.emit('Where', [isBelow, ops.shift(value, bias), g.scalar(0, 'float64')])
  return [g.emit('Where', [isAbove, ops.shift(value, -bias), rest])]
}

export const functionDoubles: LoweringTable = {
  Shrink: shrink,
  Erf: pointwise(erf),
  Gelu: gelu,
  Celu: celu,
  Atan: pointwise(atan),
  Asin: pointwise(asin),
  Acos: pointwise((ops, x, g) => ops.sub(g.scalar(Math.PI / 2, 'float64'), asin(ops, x, g))),
  Sinh: pointwise(hyperbolic(-1)),
  Cosh: pointwise(hyperbolic(1)),
  Tan: pointwise((ops, x) => ops.div(ops.unary('Sin', x), ops.unary('Cos', x))),
  Asinh: pointwise(areaOf(1)),
  Acosh: pointwise(areaOf(-1)),
  // ½·log((1 + x)/(1 − x))
  Atanh: pointwise((ops, x, g) => {
    const ratio = ops.div(ops.shift(x, 1), ops.sub(g.scalar(1, 'float64'), x))
    return ops.scale(ops.unary('Log', ratio), 0.5)
  }),
}
