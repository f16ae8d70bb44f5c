import { GraphBuilder } from '../builder.js'
import type { Node } from '../ir.js'
import { isFixed, sameShape, type Shape } from '../shapes.js'
import { tensorOfOwn } from '../tensor.js'
import { phasesOf } from './read-spread.js'
import { readersOf, type Readers, type ShapedGraph } from './readers.js'

/**
 * In a MobileNet the gradient of a strided depthwise Conv is put in place, masked by the activation before it, and
 * brought to few channels by a 1×1 Conv. Mask and Conv work pixel by pixel, so they can as well be done in each phase;
 * what is put in place then has a fraction of the channels, and the large image is never made. The other factor is
 * taken apart into phases by a depthwise Conv with a single 1 in its kernel, which stays in ONNX Runtime's blocked layout.
 */
export function commuteSpreads({ graph, infos }: ShapedGraph): ShapedGraph {
  const g = new GraphBuilder(graph, infos)
  const sites = readersOf(graph)
  for (const node of graph.nodes) {
    const found = read(g, node, sites)
    if (!found) continue
    const { phases, block, product, factor, conv } = found
    const parts = phases.map((phase, k) => {
      const channels = g.info(phase).shape[1] as number
      const pixel = { s: block, ry: Math.floor(k / block), rx: k % block, channels }
      const taken = take(g, sites, factor, pixel)
      return g.emit('Conv', [g.emit('Mul', [phase, taken]), conv.inputs[1]!], conv.attrs)
    })
    const info = g.info(conv.outputs[0]!)
    const [batch, , height, width] = g.info(phases[0]!).shape
    for (const part of parts)
      g.know(part, { ...info, shape: [batch!, info.shape[1]!, height!, width!] })
    const stack = g.emit('Concat', parts, { axis: 1 })
    g.replace(product, g.know(g.emit('DepthToSpace', [stack], node.attrs), info))
  }
  return { graph: g.finish(graph.inputs, graph.outputs), infos: g.infos }
}

interface Commuting {
  readonly phases: readonly string[]
  readonly block: number
  /** What the image is multiplied with, and the Conv that reads the product and nothing else does. */
  readonly factor: string
  readonly conv: Node
  /** The value to replace. */
  readonly product: string
}

/** Channels before the 1×1 Conv over those after it, from which on the detour pays. */
const worthwhile = 2

function read(g: GraphBuilder, node: Node, sites: Readers): Commuting | null {
  const { blocksize, mode } = node.attrs
  const image = node.outputs[0]!
  if (node.op !== 'DepthToSpace' || node.domain !== '' || blocksize?.kind !== 'int') return null
  if ((mode?.kind === 'string' && mode.value !== 'DCR') || !sites.isPrivate(image)) return null
  const phases = phasesOf(g, node, sites)
  const product = sites.readers(image)[0]!
  if (!phases || product.op !== 'Mul' || product.domain !== '') return null
  const factor = product.inputs[0] === image ? product.inputs[1]! : product.inputs[0]!
  const conv = sites.isPrivate(product.outputs[0]!) ? sites.readers(product.outputs[0]!)[0]! : null
  if (!conv || conv.inputs[0] !== product.outputs[0] || !isPointwise(g, conv)) return null
  const isKnown = g.knows(image) && g.knows(conv.outputs[0]!)
  if (!isKnown || !isAsLarge(g, sites, factor, g.info(image).shape)) return null
  const [before, after] = [image, conv.outputs[0]!].map((value) => g.info(value).shape[1]!)
  if (!isFixed(before!) || !isFixed(after!) || before < worthwhile * after) return null
  return { phases, block: blocksize.value, factor, conv, product: conv.outputs[0]! }
}

/** Whether a value has all elements of that shape, rather than being broadcast to it. */
function isAsLarge(g: GraphBuilder, sites: Readers, value: string, shape: Shape): boolean {
  if (g.knows(value)) return sameShape(g.info(value).shape, shape)
  const made = sites.producer(value)
  const isElementwise = made?.domain === '' && ['Add', 'Mul', 'HardSigmoid'].includes(made.op)
  return isElementwise && made.inputs.some((input) => isAsLarge(g, sites, input, shape))
}

function isPointwise(g: GraphBuilder, { op, domain, inputs, attrs }: Node): boolean {
  const weight =
    op === 'Conv' && domain === '' && !inputs[2] ? g.initializer(inputs[1]!) : undefined
  const isOne = ['strides', 'group'].every((name) => {
    const attr = attrs[name]
    return attr?.kind === 'ints'
      ? attr.value.every((v) => v === 1)
      : attr?.kind !== 'int' || attr.value === 1
  })
  const pads = attrs['pads']
  const isBare = pads?.kind !== 'ints' || pads.value.every((pad) => pad === 0)
  return (
    isOne && isBare && weight?.dims.length === 4 && weight.dims[2] === 1 && weight.dims[3] === 1
  )
}

/** Of every s × s pixels of that many channels one. */
interface Pixel {
  readonly s: number
  readonly ry: number
  readonly rx: number
  readonly channels: number
}

/** Pixels (s·y + ry, s·x + rx) of a value. What is computed pixel by pixel is computed of those alone. */
function take(g: GraphBuilder, sites: Readers, value: string, pixel: Pixel): string {
  const made = sites.producer(value)
  if (made?.op === 'HardSigmoid' && made.domain === '')
    return g.emit('HardSigmoid', [take(g, sites, made.inputs[0]!, pixel)], made.attrs)
  const { s, ry, rx, channels } = pixel
  const dims = [channels, 1, ry + 1, rx + 1]
  const size = (ry + 1) * (rx + 1)
  const kernel = Float32Array.from({ length: channels * size }, (_, k) =>
    k % size === size - 1 ? 1 : 0,
  )
  const taps = g.constant(tensorOfOwn(dims, kernel), `pixel_${s}_${ry}_${rx}_${channels}`)
  const attrs = { kernel_shape: dims.slice(2), strides: [s, s], group: channels }
  return g.emit('Conv', [value, taps], attrs)
}
