import { GauntletError } from '../../errors.js'
import type { Tensor } from '../../graph/ir.js'
import { numbers, tensorOfFloats } from '../../graph/tensor.js'
import { choice, gradient, straightThrough, type Gradients, type RuleContext } from '../rule.js'

/**
 * com.microsoft MatMulNBits: Y = A·Bᵀ + bias with weights of 2, 4 or 8 bits, each block of a row with its own scale and
 * zero point.   A (...L, K)   B uint8 (N, blocks, bytes of a block)   dA = dY·B
 */
function multiplyBits(context: RuleContext): Gradients {
  const { g, x, dy, wants } = context
  if (!wants[0]) return []
  return [g.emit('MatMul', [dy[0]!, g.constant(weightOf(context), `${x[1]}_real`)])]
}

/** The weights as float32, (N, K). */
function weightOf(context: RuleContext): Tensor {
  const { g, x, node } = context
  const [N, K, size, bits] = ['N', 'K', 'block_size', 'bits'].map((name) =>
    context.int(name, name === 'bits' ? 4 : 0),
  ) as [number, number, number, number]
  const [packed, scales] = [g.initializer(x[1]!), g.initializer(x[2]!)]
  const points = x[3] ? g.initializer(x[3]) : null
  if (!packed || !scales || points === undefined || x[4] || context.int('weight_prepacked', 0) > 0)
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: 'MatMulNBits can be differentiated only with constant weights in their usual order',
      where: `node ${node.name}`,
      fix: 'export the model again without reordered (g_idx) or prepacked weights',
    })
  const blocks = Math.ceil(K / size)
  const bytesOfBlock = (size * bits) / 8
  const integers = numbers(packed)
  const factors = numbers(scales)
  const zeroOf = zeroPoints(points, N, blocks, bits)
  const weight = new Float32Array(N * K)
  for (let n = 0; n < N; n++)
    for (let k = 0; k < K; k++) {
      const block = n * blocks + Math.floor(k / size)
      const integer = unpack(integers, block * bytesOfBlock, k % size, bits)
      weight[n * K + k] = (integer - zeroOf(n, Math.floor(k / size))) * factors[block]!
    }
  return tensorOfFloats([N, K], weight)
}

/** Number `k` of those of `bits` bits that begin at a byte; the lowest bits come first. */
function unpack(bytes: ArrayLike<number>, start: number, k: number, bits: number): number {
  const perByte = 8 / bits
  const byte = bytes[start + Math.floor(k / perByte)]!
  return (byte >> ((k % perByte) * bits)) & (2 ** bits - 1)
}

/** Packed like the weights, row by row, or as real numbers; the middle of the range where there are none. */
function zeroPoints(
  points: Tensor | null,
  N: number,
  blocks: number,
  bits: number,
): (n: number, block: number) => number {
  if (!points) return () => 2 ** (bits - 1)
  const values = numbers(points)
  if (points.dtype !== 'uint8') return (n, block) => values[n * blocks + block]!
  const bytesOfRow = values.length / N
  return (n, block) => unpack(values, n * bytesOfRow, block, bits)
}

/** At accuracy level 4 A is rounded to 8 bits on its way in. */
export const matMulNBits = choice('accuracy level 4 straight through', ({ attrs }) => {
  const level = attrs['accuracy_level']
  return level?.kind === 'int' && level.value === 4
    ? straightThrough('identity', multiplyBits)
    : gradient(multiplyBits)
})
