import { describe, expect, it } from 'vitest'
import { doubleLowerings } from '../../../src/autodiff/double/index.js'
import type { Attr, Tensor } from '../../../src/graph/ir.js'
import { tensorOfFloats } from '../../../src/graph/tensor.js'
import { compileGradient } from '../../../src/model/gradient.js'
import type { Feed } from '../../../src/runtime/session.js'
import { doubleGradientError, doubleNoise, doubles } from '../../helpers/double-check.js'
import { float, graphOf, nodeOf } from '../../helpers/graphs.js'
import { noiseOf, runGraph } from '../../helpers/networks.js'

interface Case {
  readonly op: string
  readonly label?: string
  readonly dims?: readonly number[]
  readonly attrs?: Readonly<Record<string, number | string | readonly number[] | Attr>>
  /** Constants behind the input, or '' for one that is left out. */
  readonly constants?: readonly ('' | Tensor)[]
  readonly opset?: number
  /** The batch, where a constant fixes it. */
  readonly batch?: number
  /** Brings normal draws into the domain. */
  readonly map?: (value: number) => number
}

const image = [2, 4, 6, 7]
const inside = (value: number): number => 0.9 * Math.tanh(value)
const cases: Case[] = [
  ...['Erf', 'Gelu', 'Celu', 'Atan', 'Sinh', 'Cosh', 'Asinh'].map((op) => ({ op, opset: 20 })),
  { op: 'Gelu', label: 'tanh', attrs: { approximate: 'tanh' }, opset: 20 },
  { op: 'Celu', label: 'alpha', attrs: { alpha: float(0.7) } },
  ...['Asin', 'Acos', 'Atanh', 'Tan'].map((op) => ({ op, map: inside })),
  { op: 'Acosh', map: (value) => 1.5 + value * value },
  { op: 'Shrink', attrs: { lambd: float(0.3), bias: float(0.2) } },
  ...['zeros', 'border'].flatMap((padding) =>
    ['linear', 'nearest'].map((mode) => ({
      op: 'GridSample',
      label: `${mode}, ${padding}`,
      opset: 20,
      constants: [noiseOf([2, 3, 5, 2], 0.6)],
      attrs: { mode, padding_mode: padding },
      dims: image,
      batch: 2,
    })),
  ),
  { op: 'GlobalAveragePool', dims: image },
  { op: 'GlobalMaxPool', dims: image },
  { op: 'Mean', constants: [noiseOf([3]), noiseOf([1, 3])], dims: [2, 3] },
  { op: 'LayerNormalization', constants: [noiseOf([3]), noiseOf([3])], dims: [4, 3] },
  {
    op: 'LayerNormalization',
    label: 'axes',
    constants: [noiseOf([4, 6, 7])],
    attrs: { axis: 1 },
    dims: image,
  },
  { op: 'InstanceNormalization', constants: [noiseOf([4]), noiseOf([4])], dims: image },
  { op: 'LRN', attrs: { size: 3, alpha: float(0.5) }, dims: image },
  { op: 'LRN', label: 'wide', attrs: { size: 5, bias: float(2) }, dims: image },
  ...(['linear', 'cubic', 'nearest'] as const).map((mode) => ({
    op: 'Resize',
    label: mode,
    attrs: { mode },
    constants: ['' as const, tensorOfFloats([4], [1, 1, 1.5, 0.5])],
    dims: image,
  })),
  { op: 'Conv', constants: [noiseOf([3, 4, 3, 2]), noiseOf([3])], dims: image },
  {
    op: 'Conv',
    label: 'strides, dilations, pads, groups',
    constants: [noiseOf([6, 2, 3, 3])],
    attrs: { strides: [2, 1], dilations: [1, 2], pads: [1, 0, 2, 1], group: 2 },
    dims: image,
  },
  {
    op: 'Conv',
    label: 'same',
    constants: [noiseOf([3, 4, 3, 2])],
    attrs: { auto_pad: 'SAME_LOWER', strides: [2, 2] },
    dims: image,
  },
  {
    op: 'Conv',
    label: '1-D',
    constants: [noiseOf([3, 4, 3])],
    attrs: { strides: [2] },
    dims: [2, 4, 9],
  },
  {
    op: 'Conv',
    label: '3-D',
    constants: [noiseOf([2, 2, 2, 3, 2])],
    attrs: { pads: [1, 1, 0, 0, 1, 1] },
    dims: [2, 2, 4, 5, 4],
  },
  { op: 'ConvTranspose', constants: [noiseOf([4, 3, 3, 2]), noiseOf([3])], dims: image },
  {
    op: 'ConvTranspose',
    label: 'strides, dilations, pads, groups',
    constants: [noiseOf([4, 3, 3, 3])],
    attrs: {
      strides: [2, 3],
      dilations: [1, 2],
      pads: [1, 0, 0, 2],
      output_padding: [1, 2],
      group: 2,
    },
    dims: image,
  },
  {
    op: 'ConvTranspose',
    label: 'same',
    constants: [noiseOf([4, 3, 3, 3])],
    attrs: { strides: [2, 2], auto_pad: 'SAME_UPPER' },
    dims: image,
  },
  {
    op: 'AveragePool',
    attrs: { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 1] },
    dims: image,
  },
  {
    op: 'AveragePool',
    label: 'padding counts',
    attrs: {
      kernel_shape: [3, 3],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
      count_include_pad: 1,
      ceil_mode: 1,
    },
    dims: image,
  },
  {
    op: 'MaxPool',
    label: 'overlapping',
    attrs: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
    dims: image,
  },
  { op: 'MaxPool', label: 'apart', attrs: { kernel_shape: [2, 2], strides: [2, 2] }, dims: image },
]

describe.each(cases)(
  '$op ($label) in double precision',
  ({ op, dims = [2, 5], attrs, constants = [], opset, map, label, batch = 'N' }) => {
    it('is the operator, and its gradient that of the result', async () => {
      const names = constants.map((tensor, k) => (tensor === '' ? '' : `c${k}`))
      const graph = graphOf({
        opset: opset ?? 18,
        inputs: { x: [batch, ...dims.slice(1)] },
        initializers: Object.fromEntries(
          constants.flatMap((tensor, k) => (tensor === '' ? [] : [[`c${k}`, tensor]])),
        ),
        nodes: [nodeOf(op, ['x', ...names], ['y'], attrs ?? {})],
      })
      const losses = [{ output: 'y', loss: 'vjp' }] as const
      const { graph: double } = await compileGradient(graph, {
        wrt: ['x'],
        losses,
        dtype: 'float64',
      })
      const noise = doubleNoise(dims, op, label ?? '').data as Float64Array
      // Single-precision numbers, so that the operator itself sees the same.
      const x = Float32Array.from(noise, map ?? ((value) => value))
      const single: Feed = { dtype: 'float32', dims, data: x }
      const expected = (await runGraph(graph, { x: single }))['y']!
      const feeds = { x: doubles(dims, x), 'seed/y': doubleNoise(expected.dims, 'seed') }
      const { y } = await runGraph(double, feeds)
      expect(y!.dims).toEqual(expected.dims)
      const scale = Math.max(...Array.from(expected.data as Float32Array, Math.abs))
      expected.data.forEach((value, k) =>
        expect(Math.abs(Number(value) - Number(y!.data[k]))).toBeLessThan(3e-6 * scale),
      )
      expect(await doubleGradientError(double, feeds, ['x'])).toBeLessThan(1e-8)
    })
  },
)

it('every row is tried', () => {
  // OneHot and MaxUnpool are in the gradients of the losses over classes, and of MaxPool.
  const tried = new Set([...cases.map(({ op }) => op), 'OneHot', 'MaxUnpool'])
  expect(Object.keys(doubleLowerings).filter((op) => !tried.has(op))).toEqual([])
})

/** Values to 17 digits, worked out with 60. */
const exact: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  Erf: [
    [-4.0, -0.9999999845827421],
    [-1.25, -0.9229001282564583],
    [-0.03125, -0.035250373867322826],
    [0.0, 0.0],
    [0.0009765625, 0.0011019324300718147],
    [0.5, 0.5204998778130465],
    [1.0, 0.8427007929497149],
    [2.75, 0.9998993780778803],
    [6.5, 1.0],
  ],
  Atan: [-30, -1, -0.1, 1e-3, 0.4, 2.5, 1e4].map((x) => [x, Math.atan(x)]),
  Asin: [-1, -0.7, 1e-3, 0.3, 0.99, 1].map((x) => [x, Math.asin(x)]),
  Acos: [-1, -0.7, 1e-3, 0.3, 0.99, 1].map((x) => [x, Math.acos(x)]),
}

it.each(Object.entries(exact))('%s is exact to the last digits', async (op, values) => {
  const graph = graphOf({ inputs: { x: ['N'] }, nodes: [nodeOf(op, ['x'], ['y'])] })
  const losses = [{ output: 'y', loss: 'sum' }] as const
  const { graph: double } = await compileGradient(graph, { wrt: ['x'], losses, dtype: 'float64' })
  const x = doubles(
    [values.length],
    values.map(([at]) => at),
  )
  const { y } = await runGraph(double, { x })
  values.forEach(([at, value], k) =>
    expect(Math.abs(Number(y!.data[k]) - value), `${op} ${at}`).toBeLessThan(1e-15),
  )
})
