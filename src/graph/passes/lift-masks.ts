import { GraphBuilder } from '../builder.js'
import type { Node } from '../ir.js'
import { sameShape, type ValueInfos } from '../shapes.js'
import { readersOf, type Readers, type ShapedGraph } from './readers.js'

/**
 * Behind a Flatten the gradient is masked before it is brought back into the shape of an image:
 * R(d) · h(y) = R(d · h(F(y))), where F is the network's Reshape or Transpose of y and R undoes it. The network
 * has F(y) anyway, whereas y itself lies in ONNX Runtime's blocked layout and would be reordered once more.
 */
export function liftMasks(shaped: ShapedGraph): ShapedGraph {
  let current = shaped
  for (let next = liftOne(current); next !== null; next = liftOne(current)) current = next
  return current
}

function liftOne({ graph, infos }: ShapedGraph): ShapedGraph | null {
  const sites = readersOf(graph)
  for (const node of graph.nodes) {
    const found = node.op === 'Mul' && node.domain === '' ? readMask(node, sites, infos) : null
    if (!found || sites.isOutput(node.outputs[0]!)) continue
    const { mask, back, flat } = found
    const [gradient] = back.inputs as [string]
    const g = new GraphBuilder(graph, infos)
    const masked = g.emit('Mul', [gradient, g.emit('HardSigmoid', [flat], mask.attrs)])
    g.know(masked, infos.get(flat)!)
    const result = g.emit(back.op, [masked, ...back.inputs.slice(1)], back.attrs)
    const info = infos.get(node.outputs[0]!)
    g.replace(node.outputs[0]!, info ? g.know(result, info) : result)
    return { graph: g.finish(graph.inputs, graph.outputs), infos: g.infos }
  }
  return null
}

interface Mask {
  readonly mask: Node
  /** R: makes the gradient's shape that of y. */
  readonly back: Node
  /** F(y). */
  readonly flat: string
}

function readMask(mul: Node, sites: Readers, infos: ValueInfos): Mask | null {
  for (const [k, input] of mul.inputs.entries()) {
    const mask = sites.producer(input)
    const back = sites.producer(mul.inputs[1 - k]!)
    if (mask?.op !== 'HardSigmoid' || !back || ![input, mul.inputs[1 - k]!].every(sites.isPrivate))
      continue
    const forth = sites.readers(mask.inputs[0]!).find((reader) => undoes(back, reader, infos))
    if (forth) return { mask, back, flat: forth.outputs[0]! }
  }
  return null
}

/** `back` brings what has the shape of `forth`'s output into the shape of its input, element by element. */
function undoes(back: Node, forth: Node, infos: ValueInfos): boolean {
  const before = infos.get(back.inputs[0]!)?.shape
  const after = infos.get(forth.outputs[0]!)?.shape
  if (!before || !after || !sameShape(before, after)) return false
  if (back.op === 'Reshape') return forth.op === 'Reshape' || forth.op === 'Flatten'
  const [there, here] = [forth.attrs['perm'], back.attrs['perm']]
  if (back.op !== 'Transpose' || forth.op !== 'Transpose') return false
  return (
    there?.kind === 'ints' &&
    here?.kind === 'ints' &&
    there.value.every((axis, position) => here.value[axis] === position)
  )
}
