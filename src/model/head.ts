import { GauntletError } from '../errors.js'
import { GraphBuilder } from '../graph/builder.js'
import type { Graph, Node } from '../graph/ir.js'
import { formatShape, isFixed, type Shape, type Size, type ValueInfos } from '../graph/shapes.js'

/** What the network's output is, which decides where the logits are and what an argmax reads. */
export type Head = 'logits' | 'softmax' | 'sigmoid' | 'binary-logit' | 'binary-sigmoid'

export interface TappedHead {
  readonly graph: Graph
  readonly infos: ValueInfos
  /** Logits (N, K): the tensor before a trailing Softmax or LogSoftmax; (0, z) for a single logit z. */
  readonly logits: string
  readonly classes: number
  readonly head: Head
}

/**
 * Finds the logits. A trailing Softmax, LogSoftmax or Sigmoid is left out: attacked through it, a confident network
 * shows no gradient (signal P2). A single output is a binary classifier: class 1 where its logit is above 0.
 *
 * @param batch - the batch size the network is bound to, or null
 * @throws GNT_MODEL_UNSUPPORTED when the output is not one score per class
 */
export function tapLogits(
  graph: Graph,
  infos: ValueInfos,
  output: string,
  batch: number | null,
): TappedHead {
  const shape = perSampleShape(graph, infos, output, batch)
  const classes = classesOf(shape, output)
  const producer = new Map(
    graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)),
  )
  const { value, node, squash } = beforeSquashing(producer, infos, output, classes)
  const g = new GraphBuilder(graph, infos)
  const [rows] = shape
  const dtype = 'float32'
  const added = new Map(infos)
  // Every emitted value must be known, or the reverse walk could not pass it.
  const emit = (
    op: string,
    inputs: string[],
    width: number,
    attrs: Readonly<Record<string, number>> = {},
  ): string => {
    const name = g.emit(op, inputs, attrs)
    added.set(name, { dtype, shape: [rows!, width] })
    return g.know(name, added.get(name)!)
  }
  const asMatrix = (name: string): string => {
    const info = infos.get(name)!
    const single =
      info.dtype === dtype ? name : g.know(g.emit('Cast', [name], { to: 1 }), { ...info, dtype })
    added.set(single, { ...info, dtype })
    if (info.shape.length === 2 && info.shape[1] === classes) return single
    return emit('Reshape', [single, g.ints([batch ?? -1, classes])], classes)
  }
  const finish = (logits: string, count: number, head: Head): TappedHead => ({
    graph: g.finish(graph.inputs, [
      { name: logits, dtype, dims: null },
      ...graph.outputs.filter(({ name }) => name !== output),
    ]),
    infos: added,
    logits,
    classes: count,
    head,
  })

  const logits = asMatrix(squash ? node!.inputs[0]! : value)
  if (classes > 1) return finish(logits, classes, squash ?? 'logits')
  const zero = emit('Sub', [logits, logits], 1)
  const both = emit('Concat', [zero, logits], 2, { axis: 1 })
  return finish(both, 2, squash === 'sigmoid' ? 'binary-sigmoid' : 'binary-logit')
}

interface Squashing {
  /** The output, or what it equals up to axes of length 1 and precision. */
  readonly value: string
  readonly node: Node | undefined
  /** What `node` does to the logits, if it is such a function. */
  readonly squash: 'softmax' | 'sigmoid' | null
}

/** Walks back over what changes no prediction, to a Softmax, LogSoftmax, Log of Softmax, or Sigmoid. */
function beforeSquashing(
  producer: ReadonlyMap<string, Node>,
  infos: ValueInfos,
  output: string,
  classes: number,
): Squashing {
  let value = output
  const skip = (): Node | undefined => {
    let node = producer.get(value)
    while (node && keepsScores(node, infos) && producer.has(node.inputs[0]!)) {
      value = node.inputs[0]!
      node = producer.get(value)
    }
    return node
  }
  const last = skip()
  const isLog = last?.op === 'Log'
  if (isLog) value = last.inputs[0]!
  const node = isLog ? skip() : last
  const mayBeSoftmax = classes > 1 && !(isLog && node?.op === 'LogSoftmax')
  if (node && mayBeSoftmax && isSoftmaxOver(node, infos, classes))
    return { value, node, squash: 'softmax' }
  return { value: output, node: last, squash: last?.op === 'Sigmoid' ? 'sigmoid' : null }
}

/** Scores stay what they are, up to axes of length 1 and precision. */
const keepsScores = (node: Node, infos: ValueInfos): boolean =>
  node.op === 'Identity' ||
  node.op === 'Dropout' ||
  isCast(node, infos) ||
  isFlattening(node, infos)

/** A change of precision. */
function isCast(node: Node, infos: ValueInfos): boolean {
  const precise = ['float32', 'float64', 'float16', 'bfloat16']
  return (
    node.op === 'Cast' &&
    [node.inputs[0]!, node.outputs[0]!].every((name) =>
      precise.includes(infos.get(name)?.dtype ?? ''),
    )
  )
}

/** A reshape at the very end that only adds or drops axes of length 1. */
function isFlattening(node: Node, infos: ValueInfos): boolean {
  if (!['Flatten', 'Reshape', 'Squeeze', 'Unsqueeze'].includes(node.op)) return false
  const [before, after] = [node.inputs[0]!, node.outputs[0]!].map((name) =>
    infos.get(name)?.shape.filter((size) => size !== 1),
  )
  return before !== undefined && after !== undefined && formatShape(before) === formatShape(after)
}

/** Over the axis of the classes: another one would mix samples, or scale each class apart. */
function isSoftmaxOver(node: Node, infos: ValueInfos, classes: number): boolean {
  if (node.op !== 'Softmax' && node.op !== 'LogSoftmax') return false
  const shape = infos.get(node.inputs[0]!)?.shape
  const attr = node.attrs['axis']
  const axis = attr?.kind === 'int' ? attr.value : -1
  const at = axis < 0 ? axis + (shape?.length ?? 0) : axis
  return at > 0 && shape?.[at] === classes
}

/** Shape of the output with the batch in front; one sample's scores may come without it. */
function perSampleShape(
  graph: Graph,
  infos: ValueInfos,
  output: string,
  batch: number | null,
): Shape {
  const shape = infos.get(output)?.shape
  if (shape === undefined)
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: 'the output does not depend on the input',
      where: `output ${output}`,
      got: 'a constant',
      fix: 'name the logits with --output',
    })
  const rows: Size = batch ?? { perBatch: 1 }
  const first = shape[0]
  if (first !== undefined && formatShape([first]) === formatShape([rows])) return shape
  if (batch === 1) return [1, ...shape]
  throw notScores(shape, output)
}

function classesOf(shape: Shape, output: string): number {
  const [, ...rest] = shape
  const wide = rest.filter((size) => size !== 1)
  const only = wide[0]
  if (wide.length === 0) return 1
  if (wide.length === 1 && only !== undefined && isFixed(only)) return only
  throw notScores(shape, output)
}

function notScores(shape: Shape, output: string): GauntletError {
  return new GauntletError('GNT_MODEL_UNSUPPORTED', {
    what: 'the output is not one score per class',
    where: `output ${output}`,
    got: `shape ${formatShape(shape)}`,
    expected: '[N, classes]',
    fix: 'name the logits with --output',
  })
}
