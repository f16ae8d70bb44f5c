import { GraphBuilder } from '../../graph/builder.js'
import type { Size } from '../../graph/shapes.js'
import { elementCount, tensorOfFloats } from '../../graph/tensor.js'
import { verify } from '../../graph/verify.js'
import type { PreparedModel } from '../../model/prepare.js'
import type { Discriminator } from './discriminator.js'
import type { Feature } from './features.js'

export interface Cell {
  /** (sample) its centre, and (width) the features there. */
  readonly clean: Float32Array
  readonly features: Float32Array
  readonly discriminator: Discriminator
}

/**
 * A network of two classes with a linear last layer of its own around each sample: features → w_j·(features − f_j) − t_j,
 * where j is the sample that the input lies nearest to. So one graph holds all samples' layers, is compiled once, and runs
 * on whole batches; j is constant in a sample's neighbourhood and adds nothing to any gradient.
 */
export function withCells(
  model: PreparedModel,
  feature: Feature,
  cells: readonly Cell[],
): Omit<PreparedModel, 'weights'> {
  const { graph, infos, input, sampleShape, batch } = model
  const g = new GraphBuilder(graph, infos)
  const added = new Map(infos)
  const rows: Size = batch ?? { perBatch: 1 }
  const know = (name: string, dtype: 'float32' | 'int64', ...axes: number[]): string => {
    added.set(name, { dtype, shape: [rows, ...axes] })
    return g.know(name, added.get(name)!)
  }
  const size = elementCount(sampleShape)
  const matrix = (of: (cell: Cell) => Float32Array): string =>
    g.constant(
      tensorOfFloats(
        [cells.length, of(cells[0]!).length],
        cells.flatMap((one) => [...of(one)]),
      ),
    )
  // ‖x − c‖² = ‖x‖² − 2(x·c − ½‖c‖²)
  const centres = tensorOfFloats(
    [size, cells.length],
    Float32Array.from({ length: size * cells.length }, (_, at) => {
      const [p, j] = [Math.floor(at / cells.length), at % cells.length]
      return cells[j]!.clean[p]!
    }),
  )
  const halves = cells.map(({ clean }) => clean.reduce((sum, value) => sum + value * value, 0) / 2)
  const flat = know(g.emit('Reshape', [input, g.ints([batch ?? -1, size])]), 'float32', size)
  const products = know(g.emit('MatMul', [flat, g.constant(centres)]), 'float32', cells.length)
  const nearness = know(
    g.emit('Sub', [products, g.constant(tensorOfFloats([cells.length], halves))]),
    'float32',
    cells.length,
  )
  const cell = know(g.emit('ArgMax', [nearness], { axis: 1, keepdims: 0 }), 'int64')
  const own = (values: string, width: number): string =>
    know(g.emit('Gather', [values, cell], { axis: 0 }), 'float32', width)
  const { width } = feature
  const moved = know(
    g.emit('Sub', [
      feature.value,
      own(
        matrix(({ features }) => features),
        width,
      ),
    ]),
    'float32',
    width,
  )
  const weighted = know(
    g.emit('Mul', [
      moved,
      own(
        matrix(({ discriminator }) => discriminator.weight),
        width,
      ),
    ]),
    'float32',
    width,
  )
  const along = know(g.emit('ReduceSum', [weighted, g.ints([1])], { keepdims: 1 }), 'float32', 1)
  const thresholds = matrix(({ discriminator }) => Float32Array.of(discriminator.threshold))
  const score = know(g.emit('Sub', [along, own(thresholds, 1)]), 'float32', 1)
  const other = know(g.emit('Neg', [score]), 'float32', 1)
  const logits = know(g.emit('Concat', [other, score], { axis: 1 }), 'float32', 2)
  const outputs = [{ name: logits, dtype: 'float32' as const, dims: null }]
  const whole = verify(g.finish(graph.inputs, outputs))
  return {
    ...model,
    graph: whole,
    infos: added,
    logits,
    classes: 2,
    head: 'logits',
    forward: whole,
    forwardOutput: logits,
    notes: [],
  }
}
