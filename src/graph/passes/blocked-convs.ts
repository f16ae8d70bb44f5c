import { GraphBuilder, type AttrInput } from '../builder.js'
import type { Node } from '../ir.js'
import { isFixed } from '../shapes.js'
import { readersOf, type Readers, type ShapedGraph } from './readers.js'

/** ONNX Runtime's operators on images whose channels lie in blocks: (N, C/b, …S, b), though they are called (N, C, …S). */
const domain = 'com.microsoft.nchwc'

/**
 * A Conv whose kernel is fed, in the layout that ONNX Runtime itself gives to those with a constant kernel only. The
 * kernel is brought into the order of that layout by the graph, once for the whole batch.
 *
 * Measured with ONNX Runtime 1.30 on AVX-512 (blocks of 16) at batch 64, one thread, conversion of the images included:
 * 16 channels of 32 × 32 4.4 ms against 5.6 (3 × 3), 32 of 16 × 16 3.3 against 4.4, 64 of 8 × 8 2.8 against 3.9; with
 * stride 2, 16 to 32 channels of 28 × 28 1.6 against 2.2. Outputs are filled up with channels of zeros: 12 to 12 channels
 * of 14 × 14 1.3 against 1.9 at batch 128, 16 to 6 of 4 × 4 (5 × 5) 0.4 against 0.9. A 1 × 1 kernel only loses (0.8
 * against 0.6 ms).
 *
 * @param block - channels in a block on this machine (`convBlock`)
 */
export const blockedConvs =
  (block: number) =>
  ({ graph, infos }: ShapedGraph): ShapedGraph => {
    const opsets = { ...graph.opsets, [domain]: 1 }
    const g = new GraphBuilder({ ...graph, opsets }, infos)
    const sites = readersOf(graph)
    const blocked = new Map<string, string>()
    const inBlocks = (image: string): string =>
      blocked.get(image) ?? g.emit('ReorderInput', [image], {}, { domain })
    for (const node of graph.nodes) {
      const kernel = fedKernel(g, node, block)
      if (!kernel) continue
      const relu = soleRelu(sites, node)
      const last = (relu ?? node).outputs[0]!
      if (sites.isOutput(last)) continue
      const [image, weight, ...bias] = node.inputs as [string, string, ...string[]]
      const from = kernel[1]! < block ? image : inBlocks(image)
      const attrs: Record<string, AttrInput> = { ...node.attrs, kernel_shape: kernel.slice(2) }
      if (relu) attrs['activation'] = 'Relu'
      const more = filled(kernel[0]!, block) - kernel[0]!
      const grown = (value: string, axes: number): string =>
        more === 0 ? value : g.emit('Pad', [value, g.ints(growth(axes, more))])
      const weights = ordered(g, grown(weight, kernel.length), kernel, block)
      const inputs = [from, weights, ...bias.map((value) => grown(value, 1))]
      const conv = g.emit('Conv', inputs, attrs, { domain })
      blocked.set(last, conv)
      g.replace(last, g.emit('ReorderOutput', [conv], { channels: kernel[0]! }, { domain }))
    }
    return { graph: g.finish(graph.inputs, graph.outputs), infos: g.infos }
  }

/** The sizes (M, C, …K) of a kernel that can be brought into blocks, and is worth it. */
function fedKernel(g: GraphBuilder, node: Node, block: number): readonly number[] | null {
  const weight = node.inputs[1]
  if (node.op !== 'Conv' || node.domain !== '' || !weight || !g.knows(weight)) return null
  const { dtype, shape } = g.info(weight)
  const { group, auto_pad: autoPad } = node.attrs
  if (g.initializer(weight) || dtype !== 'float32' || !shape.every(isFixed)) return null
  if (group?.kind === 'int' && group.value !== 1) return null
  if (autoPad?.kind === 'string' && autoPad.value !== 'NOTSET') return null
  const [M, C, ...size] = shape as [number, number, ...number[]]
  // With fewer channels than a block has, images are read as they are.
  const fits = C < block || C % block === 0
  // Channels of zeros are cheaper than what a product of few rows costs, but not where there is little to sum.
  const fills = M % block === 0 || (C > 3 && (M < block || filled(M, block) <= 1.25 * M))
  return size.length === 2 && fits && fills && size.some((k) => k > 1) ? shape : null
}

const filled = (channels: number, block: number): number => Math.ceil(channels / block) * block

/** Pads that add `more` at the end of the first of the axes. */
const growth = (axes: number, more: number): number[] =>
  Array.from({ length: 2 * axes }, (_, k) => (k === axes ? more : 0))

/** (M, C, …K), M filled → (M/b, C/b, …K, b of C, b of M), called (M, C, …K). */
function ordered(
  g: GraphBuilder,
  weight: string,
  [count, C, ...size]: readonly number[],
  b: number,
): string {
  const M = filled(count!, b)
  const inner = Math.min(C!, b)
  const split = g.emit('Reshape', [weight, g.ints([M / b, b, C! / inner, inner, ...size])])
  const perm = C! < b ? [0, 2, 3, 4, 5, 1] : [0, 2, 4, 5, 3, 1]
  return g.emit('Reshape', [g.emit('Transpose', [split], { perm }), g.ints([M, C!, ...size])])
}

/** The Relu that alone reads a convolution: it costs nothing there. */
function soleRelu(sites: Readers, { outputs }: Node): Node | null {
  const [reader] = sites.isPrivate(outputs[0]!) ? sites.readers(outputs[0]!) : []
  return reader?.op === 'Relu' && reader.domain === '' ? reader : null
}
