import type { GraphBuilder } from '../../graph/builder.js'
import { isFixed, reshapeTarget, type Shape } from '../../graph/shapes.js'
import { sumTo } from '../sum-to.js'
import { gradient, type Gradients, type RuleContext, type RuleTable } from '../rule.js'

/**
 * Gemm: Y = α·A'·B' + β·C, where ' is an optional transpose.
 * dA' = α·dY·B'ᵀ, dB' = α·A'ᵀ·dY, dC = β·dY; written so that no Transpose node is needed.
 */
function gemm(context: RuleContext): Gradients {
  const { g, x, dy, wants } = context
  const dY = dy[0]!
  const alpha = context.attr('alpha') ?? { kind: 'float' as const, value: 1 }
  const beta = context.float('beta', 1)
  const transA = context.int('transA', 0)
  const transB = context.int('transB', 0)
  const a = (): string =>
    transA
      ? g.emit('Gemm', [x[1]!, dY], { alpha, transA: transB, transB: 1 })
      : g.emit('Gemm', [dY, x[1]!], { alpha, transB: 1 - transB })
  const b = (): string =>
    transB
      ? g.emit('Gemm', [dY, x[0]!], { alpha, transA: 1, transB: transA })
      : g.emit('Gemm', [x[0]!, dY], { alpha, transA: 1 - transA })
  const c = (): string => {
    const summed = sumTo(g, dY, context.shape(context.y[0]!), context.shape(x[2]!))
    return beta === 1 ? summed : g.emit('Mul', [summed, context.scalar(beta)])
  }
  return [wants[0] ? a() : null, wants[1] ? b() : null, wants[2] ? c() : null]
}

/**
 * MatMul: Y = A·B over broadcast leading axes.   A (...L, m, k)   B (...L, k, n)   dY (...L, m, n)
 * dA = dY·Bᵀ, dB = Aᵀ·dY, each summed over the axes its operand was stretched along. A vector operand
 * is a matrix with one row (A) or one column (B).
 */
function matmul(context: RuleContext): Gradients {
  const { g, x, dy, wants } = context
  const shapeA = context.shape(x[0]!)
  const shapeB = context.shape(x[1]!)
  const isRow = shapeA.length === 1
  const isColumn = shapeB.length === 1
  const A = isRow ? g.emit('Unsqueeze', [x[0]!, g.ints([0])]) : x[0]!
  const B = isColumn ? g.emit('Unsqueeze', [x[1]!, g.ints([1])]) : x[1]!
  const matrixA: Shape = isRow ? [1, ...shapeA] : shapeA
  const matrixB: Shape = isColumn ? [...shapeB, 1] : shapeB
  let dY = dy[0]!
  if (isColumn) dY = g.emit('Unsqueeze', [dY, g.ints([-1])])
  if (isRow) dY = g.emit('Unsqueeze', [dY, g.ints([-2])])
  const lead = leadingOf(matrixA, matrixB)
  const [m, k, n] = [matrixA.at(-2)!, matrixA.at(-1)!, matrixB.at(-1)!]

  const rows = (value: string, width: number): string =>
    g.emit('Reshape', [value, g.ints([-1, width])])
  /** dY·Bᵀ for one B of all leading axes. No Transpose: of a weight, ONNX Runtime would keep a turned copy. */
  const tall = (): string | null => {
    const sizes = reshapeTarget([...lead, m, k])
    if (matrixB.length > 2 || !isFixed(n) || !sizes) return null
    if (matrixA.length === 2) return g.emit('Gemm', [dY, B], { transB: 1 })
    const product = g.emit('Gemm', [rows(dY, n), B], { transB: 1 })
    return g.emit('Reshape', [product, g.ints(sizes)])
  }
  const a = (): string => {
    const product = tall() ?? g.emit('MatMul', [dY, swapLast(g, B, matrixB.length)])
    const fitted = sumTo(g, product, [...lead, m, k], matrixA)
    return isRow ? g.emit('Squeeze', [fitted, g.ints([0])]) : fitted
  }
  const b = (): string => {
    let fitted: string
    if (matrixB.length === 2 && matrixA.length > 2 && isFixed(k) && isFixed(n))
      // One weight for all leading axes: a single tall product sums over them at once.
      fitted = g.emit('Gemm', [rows(A, k), rows(dY, n)], { transA: 1 })
    else {
      const product = g.emit('MatMul', [swapLast(g, A, matrixA.length), dY])
      fitted = sumTo(g, product, [...lead, k, n], matrixB)
    }
    return isColumn ? g.emit('Squeeze', [fitted, g.ints([1])]) : fitted
  }
  return [wants[0] ? a() : null, wants[1] ? b() : null]
}

function swapLast(g: GraphBuilder, value: string, rank: number): string {
  const perm = Array.from({ length: rank }, (_, axis) => axis)
  perm[rank - 2] = rank - 1
  perm[rank - 1] = rank - 2
  return g.emit('Transpose', [value], { perm })
}

/** Leading axes of the product after broadcasting. */
function leadingOf(a: Shape, b: Shape): Shape {
  const left = a.slice(0, -2)
  const right = b.slice(0, -2)
  const length = Math.max(left.length, right.length)
  return Array.from({ length }, (_, i) => {
    const l = left[i - (length - left.length)] ?? 1
    const r = right[i - (length - right.length)] ?? 1
    return isFixed(l) && l === 1 ? r : l
  })
}

export const matmulRules: RuleTable = { Gemm: gradient(gemm), MatMul: gradient(matmul) }
