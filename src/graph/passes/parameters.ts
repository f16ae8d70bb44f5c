import { GauntletError } from '../../errors.js'
import type { Graph, Tensor } from '../ir.js'

/** Turns initializers into graph inputs of the same name, so that a caller feeds the weights with each run. */
export function freeParameters(graph: Graph, names: readonly string[]): Graph {
  const freed = new Set(names)
  const inputs = [...freed].map((name) => {
    const { dtype, dims } = parameterOf(graph, name)
    return { name, dtype, dims }
  })
  return {
    ...graph,
    inputs: [...graph.inputs, ...inputs],
    initializers: Object.fromEntries(
      Object.entries(graph.initializers).filter(([name]) => !freed.has(name)),
    ),
  }
}

/** The graph with other values for some of its initializers. */
export function setParameters(graph: Graph, values: ReadonlyMap<string, Tensor>): Graph {
  return { ...graph, initializers: { ...graph.initializers, ...Object.fromEntries(values) } }
}

/** @throws GNT_MODEL_UNSUPPORTED when the graph has no float32 constant of that name */
export function parameterOf(graph: Graph, name: string): Tensor {
  const tensor = graph.initializers[name]
  if (tensor?.dtype === 'float32') return tensor
  throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
    what: 'only a float32 constant of the model can be trained',
    where: `parameter ${name}`,
    got: tensor ? tensor.dtype : 'no constant of that name',
    expected: 'the name of a float32 initializer',
  })
}
