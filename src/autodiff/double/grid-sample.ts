import type { Lowering, LoweringTable } from '../../graph/lower/lowering.js'
import { axisOf, type Axis } from '../rules/grid-sample.js'

/** Σ over the corners of weight · X[corner], as the gradient rule reads them; only the forms that have a rule. */
const gridSample: Lowering = (view) => {
  const { g, x, y, int, string, shape } = view
  const mode = string('mode', 'linear')
  const padding = string('padding_mode', 'zeros')
  const [, channels, height, width, ...deeper] = shape(x[0]!)
  if (deeper.length > 0 || /cubic/.test(mode) || padding === 'reflection') return null
  const [C, H, W] = [channels, height, width] as number[] as [number, number, number]
  const out = shape(y[0]!).slice(2).map(Number)
  const points = out.reduce((a, b) => a * b, 1)
  const isAligned = int('align_corners', 0) === 1
  const common = { points, isAligned, isBorder: padding === 'border', mode }
  const [across, down] = [W, H].map((size, k) =>
    axisOf(view, { ...common, size, k: k === 0 ? 0 : 1 }),
  ) as [Axis, Axis]
  const flat = g.emit('Reshape', [x[0]!, g.ints([0, C, H * W])])
  const parts = down.neighbours.flatMap((ny) =>
    across.neighbours.map((nx) => {
      const row = g.emit('Mul', [ny.index, view.scalar(W)])
      const index = g.emit('Cast', [g.emit('Add', [row, nx.index])], { to: 7 })
      const wide = g.emit('Expand', [g.emit('Unsqueeze', [index, g.ints([1])]), g.ints([1, C, 1])])
      const valid = g.emit('Mul', [nx.isInside, ny.isInside])
      const weight = g.emit('Mul', [g.emit('Mul', [nx.weight, ny.weight]), valid])
      const values = g.emit('GatherElements', [flat, wide], { axis: 2 })
      return g.emit('Mul', [values, g.emit('Unsqueeze', [weight, g.ints([1])])])
    }),
  )
  return [g.emit('Reshape', [g.emit('Sum', parts), g.ints([0, C, ...out])])]
}

export const gridDoubles: LoweringTable = { GridSample: gridSample }
