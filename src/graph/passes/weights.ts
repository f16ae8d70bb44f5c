import type { Graph, Tensor } from '../ir.js'
import { elementCount, isFloating } from '../tensor.js'

type Weights = Readonly<Record<string, Tensor>>

/**
 * The initializers of these names as inputs: what simplifies or rewrites the graph now can neither fold them nor
 * change them.
 */
export function freeWeights(
  graph: Graph,
  isFreed: (name: string, tensor: Tensor) => boolean,
): { readonly graph: Graph; readonly weights: Weights } {
  const all = Object.entries(graph.initializers)
  const freed = all.filter(([name, tensor]) => isFreed(name, tensor))
  return {
    graph: {
      ...graph,
      inputs: [...graph.inputs, ...freed.map(([name, { dtype, dims }]) => ({ name, dtype, dims }))],
      initializers: Object.fromEntries(all.filter(([name, tensor]) => !isFreed(name, tensor))),
    },
    weights: Object.fromEntries(freed),
  }
}

/** Undoes `freeWeights` for those that are asked for. */
export function bindWeights(
  graph: Graph,
  weights: Weights,
  isBound: (name: string) => boolean = () => true,
): Graph {
  const bound = Object.entries(weights).filter(([name]) => isBound(name))
  const names = new Set(bound.map(([name]) => name))
  return {
    ...graph,
    inputs: graph.inputs.filter(({ name }) => !names.has(name)),
    initializers: { ...graph.initializers, ...Object.fromEntries(bound) },
  }
}

/** Weights rather than the single numbers that shapes are computed with. */
export const isWeight = ({ dtype, dims }: Tensor): boolean =>
  isFloating(dtype) && elementCount(dims) > 1
