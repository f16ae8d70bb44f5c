import { backward } from '../../src/autodiff/grad.js'
import { GraphBuilder } from '../../src/graph/builder.js'
import type { Attr, DType, Graph, Node, Tensor } from '../../src/graph/ir.js'
import { elementCount, tensorOf } from '../../src/graph/tensor.js'
import { formAll } from '../../src/model/forms.js'
import { encodeModel } from '../../src/onnx/encode.js'
import { Session, type Feed } from '../../src/runtime/session.js'
import { createRng } from '../../src/util/rng.js'
import { graphOf, nodeOf } from './graphs.js'

type Attrs = Readonly<Record<string, number | string | readonly number[] | Attr>>

/** Writes small quantized networks node by node; every method returns the name of what it made. */
export class Sketch {
  readonly nodes: Node[] = []
  readonly initializers: Record<string, Tensor> = {}

  keep(dtype: DType, dims: readonly number[], ...values: number[]): string {
    const name = `c${Object.keys(this.initializers).length}`
    this.initializers[name] = tensorOf(dtype, dims, values)
    return name
  }

  scalar(value: number, dtype: DType = 'float32'): string {
    return this.keep(dtype, [], value)
  }

  /** Seeded integers between two ends. */
  integers(dtype: DType, dims: readonly number[], low: number, high: number): string {
    const rng = createRng('integers', dtype, ...dims)
    const values = Array.from({ length: elementCount(dims) }, () => low + rng.below(high - low + 1))
    return this.keep(dtype, dims, ...values)
  }

  emit(op: string, inputs: readonly string[], attrs: Attrs = {}): string {
    return this.#push('', op, inputs, attrs)
  }

  /** A node of com.microsoft. */
  ms(op: string, inputs: readonly string[], attrs: Attrs = {}): string {
    return this.#push('com.microsoft', op, inputs, attrs)
  }

  graph(inputs: Readonly<Record<string, readonly (number | string)[]>>, output: string): Graph {
    const { nodes, initializers } = this
    const graph = graphOf({ inputs, nodes, initializers, outputs: [output], opset: 21 })
    return { ...graph, irVersion: 10, opsets: { '': 21, 'com.microsoft': 1 } }
  }

  emitMany(op: string, inputs: readonly string[], count: number): string[] {
    const names = Array.from(
      { length: count },
      (_, k) => `v${this.nodes.length}${k ? `_${k}` : ''}`,
    )
    this.nodes.push(nodeOf(op, inputs, names))
    return names
  }

  #push(domain: string, op: string, inputs: readonly string[], attrs: Attrs): string {
    const name = `v${this.nodes.length}`
    this.nodes.push({ ...nodeOf(op, inputs, [name], attrs), domain })
    return name
  }
}

export interface Differentiated {
  readonly output: number[]
  /** Of each input; the seed of output element k is 1 + k/10, so that no two count the same. */
  readonly gradients: Readonly<Record<string, number[]>>
  readonly approximations: readonly string[]
}

/** Output and gradients of a sketch at a point, all composite operators in their forms. */
export async function differentiate(
  sketched: Graph,
  point: Readonly<Record<string, Feed>>,
): Promise<Differentiated> {
  const { graph, infos, forms } = await formAll(sketched, 1, () => point)
  const output = sketched.outputs[0]!.name
  const shape = infos.get(output)!.shape as readonly number[]
  const count = elementCount(shape)
  const g = new GraphBuilder(graph, infos)
  const seeds = Array.from({ length: count }, (_, k) => 1 + k / 10)
  const seed = g.constant(tensorOf('float32', shape, seeds), 'seed')
  const wrt = Object.keys(point)
  const { gradients, approximations } = backward(g, {
    nodes: graph.nodes,
    seeds: new Map([[output, seed]]),
    wrt,
    forms,
  })
  const named = [output, ...wrt.map((name) => gradients.get(name)!)]
  const compiled = g.finish(
    graph.inputs,
    named.map((name) => ({ name, dtype: 'float32' as const, dims: null })),
  )
  const session = await Session.open(encodeModel(compiled))
  try {
    const run = await session.run(point)
    const values = (name: string): number[] => Array.from(run[name]!.data as Float32Array, Number)
    return {
      output: values(output),
      gradients: Object.fromEntries(wrt.map((name) => [name, values(gradients.get(name)!)])),
      approximations,
    }
  } finally {
    await session.close()
  }
}

/** A seeded normal input. */
export function noise(dims: readonly number[], name = 'x', scale = 1): Feed {
  const rng = createRng('noise', name)
  const data = Float32Array.from({ length: elementCount(dims) }, () => scale * rng.normal())
  return { dtype: 'float32', dims, data }
}
