import { GauntletError } from '../errors.js'
import { GraphBuilder } from '../graph/builder.js'
import type { Graph, Node } from '../graph/ir.js'
import { formatShape, isFixed, type Shape, type ValueInfos } from '../graph/shapes.js'

/** What the network's output is, which decides where the logits are and what an argmax reads. */
export type Head = 'logits' | 'softmax' | 'binary-logit' | 'binary-sigmoid'

export interface TappedHead {
  readonly graph: Graph
  readonly infos: ValueInfos
  /** Logits (N, K): the tensor before a trailing Softmax or LogSoftmax; (0, z) for a single logit z. */
  readonly logits: string
  readonly classes: number
  readonly head: Head
}

/**
 * Finds the logits. A trailing Softmax is left out: attacked through it, a confident network shows no gradient
 * (signal P2). A single output is a binary classifier: class 1 where its logit is above 0.
 *
 * @throws GNT_MODEL_UNSUPPORTED when the output is not one score per class
 */
export function tapLogits(graph: Graph, infos: ValueInfos, output: string): TappedHead {
  const producer = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)))
  let value = output
  let node = producer.get(value)
  while (node && (passing.has(node.op) || isFlattening(node, infos))) {
    value = node.inputs[0]!
    node = producer.get(value)
  }
  const shape = infos.get(output)!.shape
  const perSample = classesOf(shape, output)
  const g = new GraphBuilder(graph, infos)
  const finish = (logits: string, classes: number, head: Head): TappedHead => {
    const outputs = [{ name: logits, dtype: 'float32' as const, dims: null }]
    const known = new Map(infos)
    known.set(logits, { dtype: infos.get(output)!.dtype, shape: [shape[0]!, classes] })
    return { graph: g.finish(graph.inputs, outputs), infos: known, logits, classes, head }
  }
  // Every emitted value must be known, or the reverse walk could not pass it.
  const emit = (op: string, inputs: string[], outShape: Shape, attrs = {}): string =>
    g.know(g.emit(op, inputs, attrs), { dtype: infos.get(output)!.dtype, shape: outShape })
  const asMatrix = (name: string, classes: number): string => {
    const now = infos.get(name)!.shape
    const wanted: Shape = [shape[0]!, classes]
    if (now.length === 2) return name
    const target = isFixed(shape[0]!) ? [shape[0], classes] : [-1, classes]
    return emit('Reshape', [name, g.ints(target)], wanted)
  }
  const collect = (tapped: TappedHead): TappedHead => ({
    ...tapped,
    infos: new Map([...tapped.infos, ...emitted(g, tapped.graph)]),
  })

  if (perSample === 1) {
    const sigmoid = node?.op === 'Sigmoid'
    const z = asMatrix(sigmoid ? node!.inputs[0]! : value, 1)
    const zero = emit('Sub', [z, z], [shape[0]!, 1])
    const both = emit('Concat', [zero, z], [shape[0]!, 2], { axis: 1 })
    return collect(finish(both, 2, sigmoid ? 'binary-sigmoid' : 'binary-logit'))
  }
  const isSoftmax = node?.op === 'Softmax' || node?.op === 'LogSoftmax'
  const logits = asMatrix(isSoftmax ? node!.inputs[0]! : output, perSample)
  return collect(finish(logits, perSample, isSoftmax ? 'softmax' : 'logits'))
}

const passing: ReadonlySet<string> = new Set(['Identity', 'Dropout'])

/** A reshape at the very end that only adds or drops axes of length 1. */
function isFlattening(node: Node, infos: ValueInfos): boolean {
  if (!['Flatten', 'Reshape', 'Squeeze', 'Unsqueeze'].includes(node.op)) return false
  const [before, after] = [node.inputs[0]!, node.outputs[0]!].map((name) =>
    infos.get(name)?.shape.filter((size) => size !== 1),
  )
  return before !== undefined && after !== undefined && formatShape(before) === formatShape(after)
}

function classesOf(shape: Shape, output: string): number {
  const [, ...rest] = shape
  const wide = rest.filter((size) => size !== 1)
  const only = wide[0]
  if (wide.length === 0) return 1
  if (wide.length === 1 && only !== undefined && isFixed(only)) return only
  throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
    what: 'the output is not one score per class',
    where: `output ${output}`,
    got: `shape ${formatShape(shape)}`,
    expected: '[N, classes]',
    fix: 'name the logits with --output',
  })
}

/** Shapes of what the builder added. */
function emitted(g: GraphBuilder, graph: Graph): [string, ReturnType<GraphBuilder['info']>][] {
  return graph.nodes.flatMap((node) =>
    node.outputs.filter((name) => g.knows(name)).map((name) => [name, g.info(name)] as [string, ReturnType<GraphBuilder['info']>]),
  )
}
