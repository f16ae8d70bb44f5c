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
 * stride 2, 16 to 32 channels of 28 × 28 1.6 against 2.2. A 1 × 1 kernel only loses (0.8 against 0.6 ms).
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
      const inputs = [from, ordered(g, weight, kernel, block), ...bias]
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
  const fits = M % block === 0 && (C < block || C % block === 0)
  return size.length === 2 && fits && size.some((k) => k > 1) ? shape : null
}

/** (M, C, …K) → (M/b, C/b, …K, b of C, b of M), called (M, C, …K). */
function ordered(g: GraphBuilder, weight: string, kernel: readonly number[], b: number): string {
  const [M, C, ...size] = kernel as [number, number, ...number[]]
  const inner = Math.min(C, b)
  const split = g.emit('Reshape', [weight, g.ints([M / b, b, C / inner, inner, ...size])])
  const perm = C < b ? [0, 2, 3, 4, 5, 1] : [0, 2, 4, 5, 3, 1]
  return g.emit('Reshape', [g.emit('Transpose', [split], { perm }), g.ints(kernel)])
}

/** The Relu that alone reads a convolution: it costs nothing there. */
function soleRelu(sites: Readers, { outputs }: Node): Node | null {
  const [reader] = sites.isPrivate(outputs[0]!) ? sites.readers(outputs[0]!) : []
  return reader?.op === 'Relu' && reader.domain === '' ? reader : null
}
