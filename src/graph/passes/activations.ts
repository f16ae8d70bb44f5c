import { float, GraphBuilder } from '../builder.js'
import type { Graph, Node } from '../ir.js'
import { numbers } from '../tensor.js'
import type { ValueInfos } from '../shapes.js'
import { readersOf, type Readers, type ShapedGraph } from './readers.js'

/**
 * Activations that arrive in parts become one node again, because the derivative of the whole is cheaper than those of
 * its parts:
 * - GELU as exporters before opset 20 write it, x · ½ · (1 + erf(x/√2)) in any order (Hendrycks and Gimpel 2016,
 *   arXiv:1606.08415). `lowerGelu` writes it with operators of opset 18 again.
 * - HardSwish, which ONNX Runtime itself takes apart while it simplifies a model: x · HardSigmoid(x).
 */
export function recogniseActivations(graph: Graph, infos: ValueInfos): Graph {
  const sites = readersOf(graph)
  const found = new Map<string, Recognised>()
  for (const node of graph.nodes) {
    const one =
      node.domain !== ''
        ? null
        : node.op === 'Erf'
          ? readGelu(graph, node, sites)
          : node.op === 'HardSigmoid'
            ? readHardSwish(node, sites)
            : null
    if (one) found.set(one.y, one)
  }
  if (found.size === 0) return graph
  const nodes = graph.nodes.map((node) => {
    const one = found.get(node.outputs[0]!)
    return one ? { ...node, op: one.op, inputs: [one.x], attrs: {} } : node
  })
  return new GraphBuilder({ ...graph, nodes }, infos).finish(graph.inputs, graph.outputs)
}

/** What goes into an activation and what comes out. */
interface Recognised {
  readonly op: 'Gelu' | 'HardSwish'
  readonly x: string
  readonly y: string
}

function readHardSwish(node: Node, { readers, isPrivate }: Readers): Recognised | null {
  const { alpha, beta } = node.attrs
  const [x] = node.inputs as [string]
  const isSixth = alpha?.kind === 'float' && Math.abs(alpha.value * 6 - 1) < 1e-6
  const isHalf = beta === undefined || (beta.kind === 'float' && beta.value === 0.5)
  if (!isSixth || !isHalf || !isPrivate(node.outputs[0]!)) return null
  const product = readers(node.outputs[0]!)[0]!
  const isOfX = product.op === 'Mul' && product.domain === '' && product.inputs.includes(x)
  return isOfX ? { op: 'HardSwish', x, y: product.outputs[0]! } : null
}

function readGelu(
  graph: Graph,
  erf: Node,
  { producer, readers, isPrivate }: Readers,
): Recognised | null {
  const isConstant = (name: string, value: number): boolean => {
    const tensor = graph.initializers[name]
    if (!tensor) return false
    const [first, ...rest] = numbers(tensor)
    return rest.length === 0 && Math.abs(first! / value - 1) < 1e-6
  }
  /** The other factor or summand, where one is this constant. */
  const besides = (node: Node | undefined, op: string, value: number): string | null => {
    if (node?.op !== op || node.domain !== '') return null
    const [a, b] = node.inputs as [string, string]
    if (isConstant(b, value)) return a
    return op !== 'Div' && isConstant(a, value) ? b : null
  }
  const next = (value: string): Node | null => (isPrivate(value) ? readers(value)[0]! : null)

  const scaled = producer(erf.inputs[0]!)
  const x = besides(scaled, 'Div', Math.SQRT2) ?? besides(scaled, 'Mul', Math.SQRT1_2)
  const sum = next(erf.outputs[0]!)
  if (x === null || !sum || besides(sum, 'Add', 1) === null) return null
  // What multiplies 1 + erf until both x and ½ have been met; ½·x may be one factor.
  let [hasX, hasHalf] = [false, false]
  let at = sum.outputs[0]!
  while (!hasX || !hasHalf) {
    const product = next(at)
    if (product?.op !== 'Mul' || product.domain !== '') return null
    const other = product.inputs[0] === at ? product.inputs[1]! : product.inputs[0]!
    if (!hasX && other === x) hasX = true
    else if (!hasHalf && isConstant(other, 0.5)) hasHalf = true
    else if (!hasX && !hasHalf && besides(producer(other), 'Mul', 0.5) === x)
      [hasX, hasHalf] = [true, true]
    else return null
    at = product.outputs[0]!
  }
  return { op: 'Gelu', x, y: at }
}

/**
 * X · Φ(X) with Φ = ½ + ½·erf(X/√2), which the derivative needs as well: ONNX Runtime computes what both share once.
 * HardSigmoid(½, ½) is that line in one pass, exact because erf stays within its range.
 */
export function lowerGelu({ graph, infos }: ShapedGraph): ShapedGraph {
  const g = new GraphBuilder(graph, infos)
  for (const node of graph.nodes) {
    const { approximate } = node.attrs
    const isExact = approximate?.kind !== 'string' || approximate.value === 'none'
    if (node.op !== 'Gelu' || node.domain !== '' || !isExact) continue
    const x = node.inputs[0]!
    const { dtype } = g.info(x)
    if (dtype !== 'float32') continue
    const erf = g.emit('Erf', [g.emit('Mul', [x, g.scalar(Math.SQRT1_2, dtype)])])
    const half = { alpha: float(0.5), beta: float(0.5) }
    g.replace(node.outputs[0]!, g.emit('Mul', [x, g.emit('HardSigmoid', [erf], half)]))
  }
  return { graph: g.finish(graph.inputs, graph.outputs), infos: g.infos }
}
