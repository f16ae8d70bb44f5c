import { isFixed } from '../shapes.js'
import type { Lowering, LoweringTable } from './lowering.js'
import { opsOf, type Ops } from './ops.js'

/** |X|ᵖ, and the p-th root of a sum of such; a sum of zeros has no slope, rather than an infinite one. */
const powers = (ops: Ops, p: number) => ({
  raise: (value: string): string => {
    const size = ops.unary('Abs', value)
    return p === 1 ? size : p === 2 ? ops.mul(value, value) : ops.pow(size, p)
  },
  root: (sum: string): string =>
    p === 1
      ? sum
      : p === 2
        ? ops.unary('Sqrt', ops.atLeast(sum, 1e-30))
        : ops.pow(ops.atLeast(sum, 1e-30), 1 / p),
})

/** (Σ |X|ᵖ)^(1/p) over each window: the mean over the window, padding included, times its size. */
const lpPool: Lowering = ({ g, x, int, ints, info, node }) => {
  const isDilated = (ints('dilations') ?? []).some((dilation) => dilation !== 1)
  if (int('ceil_mode', 0) === 1 || isDilated) return null
  const { p: _, ...attrs } = node.attrs
  const ops = opsOf(g, info(x[0]!).dtype)
  const { raise, root } = powers(ops, int('p', 2))
  const size = (ints('kernel_shape') ?? []).reduce((a, b) => a * b, 1)
  const mean = g.emit('AveragePool', [raise(x[0]!)], { ...attrs, count_include_pad: 1 })
  return [root(ops.scale(mean, size))]
}

/** (Σ |X|ᵖ)^(1/p) over all positions of a channel. */
const globalLpPool: Lowering = ({ g, x, int, shape, info }) => {
  const ops = opsOf(g, info(x[0]!).dtype)
  const { raise, root } = powers(ops, int('p', 2))
  const spatial = shape(x[0]!).slice(2)
  if (!spatial.every(isFixed)) return null
  const axes = spatial.map((_, axis) => axis + 2)
  return [root(ops.reduce('ReduceSum', raise(x[0]!), ...axes))]
}

export const poolLowerings: LoweringTable = { LpPool: lpPool, GlobalLpPool: globalLpPool }
