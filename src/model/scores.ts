import { GauntletError } from '../errors.js'
import { GraphBuilder } from '../graph/builder.js'
import type { Graph } from '../graph/ir.js'
import { pick } from '../graph/passes/select.js'
import { isFloating } from '../graph/tensor.js'

export interface ScoredGraph {
  /** With one output, in float32. */
  readonly graph: Graph
  readonly output: string
  readonly notes: readonly string[]
}

/**
 * Keeps the output that holds the scores: the one that is named, else the first one of floating-point numbers
 * (classifiers of tables often give the label first). Scores of another precision are converted to float32.
 *
 * @throws GNT_MODEL_UNSUPPORTED when the output holds no floating-point numbers
 */
export function scoresOf(graph: Graph, name: string | undefined): ScoredGraph {
  const floating = graph.outputs.filter((value) => isFloating(value.dtype))
  const picked = pick(
    name === undefined && floating.length > 0 ? floating : graph.outputs,
    name,
    'output',
  )
  if (!isFloating(picked.dtype))
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: 'the output is not one score per class',
      where: `output ${picked.name}`,
      got: `${picked.dtype} values`,
      expected: 'floating-point scores [N, classes]',
      fix: 'export the scores (logits) as an output of the model and name it with --output',
    })
  const notes =
    name === undefined && graph.outputs.length > 1
      ? [`has ${graph.outputs.length} outputs: ${picked.name} is taken as the scores`]
      : []
  if (picked.dtype === 'float32')
    return { graph: { ...graph, outputs: [picked] }, output: picked.name, notes }
  const g = new GraphBuilder(graph)
  const output = g.emit('Cast', [picked.name], { to: 1 }, { name: `${picked.name}_float32` })
  const outputs = [{ name: output, dtype: 'float32' as const, dims: picked.dims }]
  return { graph: g.finish(graph.inputs, outputs), output, notes }
}
