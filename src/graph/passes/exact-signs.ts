import { GraphBuilder } from '../builder.js'
import type { Graph, Node } from '../ir.js'
import type { ValueInfos } from '../shapes.js'
import { readersOf, type Readers } from './readers.js'

/**
 * Sign has a straight-through gradient, for networks that are binarised. Where a formula only takes a number apart into
 * its sign and its size, the derivative of the sign is what it is, zero:
 * - sign(x) · f(|x|): signed roots, soft thresholds, PyTorch's lp_pool;
 * - x − λ · sign(x) where |x| > λ: softshrink.
 * Such a Sign is written as (x > 0) − (x < 0), which no gradient passes.
 */
export function exactSigns(graph: Graph, infos: ValueInfos): Graph {
  const sites = readersOf(graph)
  const signs = graph.nodes.filter(
    (node) => node.op === 'Sign' && node.domain === '' && isExact(graph, node, sites),
  )
  if (signs.length === 0) return graph
  const g = new GraphBuilder(graph, infos)
  for (const node of signs) {
    const x = node.inputs[0]!
    const zero = g.scalar(0, g.info(x).dtype)
    const side = (op: string): string => g.emit('CastLike', [g.emit(op, [x, zero]), zero])
    g.replace(node.outputs[0]!, g.emit('Sub', [side('Greater'), side('Less')]))
  }
  return g.finish(graph.inputs, graph.outputs)
}

function isExact(graph: Graph, sign: Node, sites: Readers): boolean {
  const x = sign.inputs[0]!
  const s = sign.outputs[0]!
  const readers = sites.readers(s)
  if (sites.isOutput(s) || readers.length === 0) return false
  return readers.every((reader) => {
    if (reader.op !== 'Mul') return false
    const factor = besides(reader, s)
    return graph.initializers[factor]
      ? isShrunk(x, reader.outputs[0]!, sites)
      : isOfSize(graph, factor, x, sites)
  })
}

const besides = ({ inputs }: Node, value: string): string =>
  inputs[0] === value ? inputs[1]! : inputs[0]!

/** The value is taken off x, and the difference is chosen by the size of x. */
function isShrunk(x: string, value: string, { readers, isPrivate, producer }: Readers): boolean {
  const [difference] = readers(value)
  if (!isPrivate(value) || difference?.op !== 'Sub' || difference.inputs[0] !== x) return false
  const [choice] = readers(difference.outputs[0]!)
  if (!isPrivate(difference.outputs[0]!) || choice?.op !== 'Where') return false
  const condition = producer(choice.inputs[0]!)
  return condition?.inputs.some((name) => isSize(producer(name), x)) ?? false
}

const isSize = (node: Node | undefined, x: string): boolean =>
  node?.op === 'Abs' && node.inputs[0] === x

/** What maps each number to one number, constants beside it. */
const elementwise = new Set(
  'Add Clip Cast CastLike Div Erf Exp Identity Log Max Min Mul Neg Pow Reciprocal Relu Sigmoid Softplus Sqrt Sub Tanh'.split(
    ' ',
  ),
)

/** Computed element by element of |x| and constants. */
function isOfSize(graph: Graph, value: string, x: string, sites: Readers): boolean {
  const node = sites.producer(value)
  if (isSize(node, x)) return true
  if (!node || node.domain !== '' || !elementwise.has(node.op)) return false
  const computed = node.inputs.filter((name) => name !== '' && !graph.initializers[name])
  return computed.length > 0 && computed.every((name) => isOfSize(graph, name, x, sites))
}
