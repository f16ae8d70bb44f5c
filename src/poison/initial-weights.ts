import type { Graph, Tensor } from '../graph/ir.js'
import { setParameters } from '../graph/passes/parameters.js'
import { trainedNorms } from '../graph/passes/train-mode.js'
import { elementCount, tensorOfOwn } from '../graph/tensor.js'
import { createRng, type Rng } from '../util/rng.js'
import type { Parameter, ParameterRole } from './parameters.js'

/**
 * New values by role, as PyTorch's layers begin:
 * - weights and biases of linear and convolutional layers, and recurrent ones: U(−1/√f, 1/√f), f being the fan-in
 *   (Kaiming uniform with a = √5: He et al. 2015, arXiv:1502.01852); of a recurrent layer its hidden units;
 * - scales 1, shifts 0, slopes of PRelu 0.25, tables N(0, 1).
 * Source: reset_parameters of torch.nn.Linear, Conv2d, RNN, BatchNorm2d, PReLU, Embedding.
 */
const draws: Readonly<Record<ParameterRole, (out: Float32Array, rng: Rng, fanIn: number) => void>> =
  {
    weight: uniform,
    bias: uniform,
    recurrent: uniform,
    scale: (out) => out.fill(1),
    shift: (out) => out.fill(0),
    slope: (out) => out.fill(0.25),
    embedding: (out, rng) => {
      for (let i = 0; i < out.length; i++) out[i] = rng.normal()
    },
  }

function uniform(out: Float32Array, rng: Rng, fanIn: number): void {
  const bound = 1 / Math.sqrt(Math.max(1, fanIn))
  rng.fillUniform(out, -bound, bound)
}

/**
 * The graph before any training: parameters drawn anew, each by a stream of its own name; running mean and variance of a
 * BatchNormalization among them 0 and 1. What is not among the parameters stays.
 */
export function freshWeights(graph: Graph, parameters: readonly Parameter[], seed: number): Graph {
  const values = new Map<string, Tensor>()
  for (const { name, role, fanIn } of parameters) {
    const { dims } = graph.initializers[name]!
    const data = new Float32Array(elementCount(dims))
    draws[role](data, createRng('initial weights', seed, name), fanIn)
    values.set(name, tensorOfOwn(dims, data))
  }
  const isTrained = (name: string): boolean => values.has(name)
  for (const { inputs } of trainedNorms(graph, isTrained))
    for (const [k, start] of [
      [3, 0],
      [4, 1],
    ] as const) {
      const name = inputs[k] ?? ''
      const tensor = graph.initializers[name]
      if (!tensor) continue
      const data = new Float32Array(elementCount(tensor.dims)).fill(start)
      values.set(name, tensorOfOwn(tensor.dims, data))
    }
  return setParameters(graph, values)
}
