import { GraphBuilder } from '../builder.js'
import type { Node, Tensor } from '../ir.js'
import { isFixed } from '../shapes.js'
import { elementCount, floats, ints, tensorOfOwn } from '../tensor.js'
import { readersOf, type Readers, type ShapedGraph } from './readers.js'

/**
 * Rewrites DepthToSpace of Convs for CPUs, where ONNX Runtime runs it as a general transpose that costs as much as
 * the convolution before it. In NHWC the same interleave is nearly free: the phases along the width lie side
 * by side as channels already, and the phases along the height are whole rows. Leaving and entering the
 * blocked layout through NHWC costs no more than through NCHW.
 *
 * With many channels each row phase also gets a Conv of its own, without the taps that are zero in all of its
 * channels: for a 3×3 kernel and stride 2, 12 taps instead of 16 (9 are needed).
 */
export function lowerSpreads({ graph, infos }: ShapedGraph): ShapedGraph {
  const g = new GraphBuilder(graph, infos)
  const sites = readersOf(graph)
  for (const node of graph.nodes) {
    const spread = readSpread(g, node, sites)
    if (!spread) continue
    const rows = spread.block * blocked(spread.block * spread.channels)
    const isWide = rows <= blocked(spread.block ** 2 * spread.channels)
    g.replace(spread.result, isWide ? byRows(g, spread) : together(g, spread))
  }
  return { graph: g.finish(graph.inputs, graph.outputs), infos: g.infos }
}

/** Channels that a blocked kernel computes to yield `count`: ONNX Runtime's block is 8 or 16 wide. */
const blocked = (count: number): number => Math.ceil(count / 16) * 16

interface Spread {
  readonly block: number
  readonly channels: number
  /** Size of what DepthToSpace yields, and of what remains of it. */
  readonly height: number
  readonly width: number
  readonly cut: Cut | null
  /** The value to replace, and whether an elementwise operator reads it. */
  readonly result: string
  readonly feedsElementwise: boolean
  readonly terms: readonly Term[]
}

interface Cut {
  readonly starts: readonly number[]
  readonly ends: readonly number[]
}

interface Term {
  readonly x: string
  readonly weight: Tensor
  readonly name: string
  /** top, left, bottom, right */
  readonly pads: readonly number[]
}

function readSpread(g: GraphBuilder, node: Node, sites: Readers): Spread | null {
  const { blocksize, mode } = node.attrs
  const output = node.outputs[0]!
  if (node.op !== 'DepthToSpace' || node.domain !== '' || blocksize?.kind !== 'int') return null
  if (mode?.kind === 'string' && mode.value !== 'DCR') return null
  if (!g.knows(output) || sites.isOutput(output)) return null
  const [, channels, height, width] = g.info(output).shape
  if (![channels, height, width].every((size) => size !== undefined && isFixed(size))) return null
  const terms = termsOf(g, node.inputs[0]!, sites)
  if (!terms) return null
  const slice = sites.isPrivate(output) ? sites.readers(output)[0]! : null
  const cut = slice ? cutOf(g, slice) : null
  const result = cut ? slice!.outputs[0]! : output
  if (sites.isOutput(result)) return null
  const elementwise = new Set(['Mul', 'Add', 'Sum'])
  return {
    block: blocksize.value,
    channels: channels as number,
    height: height as number,
    width: width as number,
    cut,
    result,
    feedsElementwise: sites.readers(result).some((reader) => elementwise.has(reader.op)),
    terms,
  }
}

/** The Convs whose sum a value is, if it is nothing else. */
function termsOf(g: GraphBuilder, value: string, sites: Readers): Term[] | null {
  const node = sites.producer(value)
  if (!node || node.domain !== '' || !sites.isPrivate(value)) return null
  if (node.op === 'Add' || node.op === 'Sum') {
    const parts = node.inputs.map((input) => termsOf(g, input, sites))
    return parts.every((part) => part !== null) ? parts.flat() : null
  }
  const weight = node.inputs[1] ? g.initializer(node.inputs[1]) : undefined
  const { pads, group, strides, dilations, auto_pad: autoPad } = node.attrs
  const ones = [strides, dilations].every(
    (a) => a?.kind !== 'ints' || a.value.every((size) => size === 1),
  )
  const isPlain =
    node.op === 'Conv' && ones && !node.inputs[2] && (group?.kind !== 'int' || group.value === 1)
  const isExplicit = autoPad?.kind !== 'string' || autoPad.value === 'NOTSET'
  if (!isPlain || !isExplicit || weight?.dtype !== 'float32' || weight.dims.length !== 4)
    return null
  return [
    {
      x: node.inputs[0]!,
      weight,
      name: node.inputs[1]!,
      pads: pads?.kind === 'ints' ? pads.value : [0, 0, 0, 0],
    },
  ]
}

function cutOf(g: GraphBuilder, node: Node): Cut | null {
  if (node.op !== 'Slice' || node.domain !== '' || node.inputs.length !== 4) return null
  const [starts, ends, axes] = node.inputs.slice(1).map((name) => g.initializer(name))
  if (!starts || !ends || !axes || ints(axes).join() !== '2,3') return null
  return { starts: ints(starts), ends: ints(ends) }
}

/** One Conv per row phase with s·C channels (rx, c); their rows alternate. */
function byRows(g: GraphBuilder, spread: Spread): string {
  const { block: s, channels: C, height, width } = spread
  const only = onlyPhase(spread)
  if (only) return finished(g, spread, padded(g, spread, only))
  const across = [0, height / s, width * C]
  const rows = Array.from({ length: s }, (_, ry) => {
    const row = rowOf(g, spread, ry)
    return row === null ? null : g.emit('Reshape', [toNhwc(g, row), g.ints(across)])
  })
  const some = rows.find((row) => row !== null)!
  const zeros = (): string => g.emit('ConstantOfShape', [g.emit('Shape', [some])])
  const woven = g.emit(
    'Concat',
    rows.map((row) => row ?? zeros()),
    { axis: 2 },
  )
  return finished(g, spread, g.emit('Reshape', [woven, g.ints([0, height, width, C])]))
}

/** The NHWC image without what is cut away, as NCHW. */
function finished(
  g: GraphBuilder,
  { channels: C, cut, feedsElementwise }: Spread,
  image: string,
): string {
  const trimmed = cut
    ? g.emit('Slice', [image, g.ints(cut.starts), g.ints(cut.ends), g.ints([1, 2])])
    : image
  const back = g.emit('Transpose', [trimmed], { perm: [0, 3, 1, 2] })
  // A Conv reads NHWC at no extra cost. Anything else would pull its other operands out of the blocked layout;
  // a pool over single elements takes this one in.
  const enters = feedsElementwise && C % 16 === 0
  return enters ? g.emit('AveragePool', [back], { kernel_shape: [1, 1] }) : back
}

interface Phase {
  readonly ry: number
  readonly rx: number
  readonly parts: readonly Part[]
}

/** The one phase that is not zero, if there is only one: the gradient of a 1×1 Conv reaches one pixel in s². */
function onlyPhase({ block: s, channels: C, terms }: Spread): Phase | null {
  const phases = Array.from({ length: s * s }, (_, k): Phase => {
    const parts = terms.flatMap((term) => crop(term, k * C, (k + 1) * C) ?? [])
    return { ry: Math.floor(k / s), rx: k % s, parts }
  }).filter(({ parts }) => parts.length > 0)
  return phases.length === 1 ? phases[0]! : null
}

/** One phase among zeros, in NHWC. */
function padded(g: GraphBuilder, spread: Spread, { ry, rx, parts }: Phase): string {
  const { block: s, channels: C, height, width } = spread
  const pixels = g.emit('Reshape', [
    toNhwc(g, summed(g, parts)),
    g.ints([0, height / s, 1, width / s, C]),
  ])
  const pads = [0, 0, ry, 0, rx * C, 0, 0, s - 1 - ry, 0, (s - 1 - rx) * C]
  return g.emit('Reshape', [g.emit('Pad', [pixels, g.ints(pads)]), g.ints([0, height, width, C])])
}

/** Channels (rx, c) of one row phase, or null where it is zero. */
function rowOf(
  g: GraphBuilder,
  { block: s, channels: C, terms }: Spread,
  ry: number,
): string | null {
  const first = ry * s * C
  const whole = terms.flatMap((term) => crop(term, first, first + s * C) ?? [])
  if (whole.length === 0) return null
  const columns = Array.from({ length: s }, (_, rx) =>
    terms.flatMap((term) => crop(term, first + rx * C, first + (rx + 1) * C) ?? []),
  )
  const saved = work(whole) - work(columns.flat())
  const isWorthwhile = C % 16 === 0 && saved >= copying * s * C
  if (!isWorthwhile || columns.some((parts) => parts.length === 0)) return summed(g, whole)
  return g.emit(
    'Concat',
    columns.map((parts) => summed(g, parts)),
    { axis: 1 },
  )
}

/** Multiplications that take as long as copying one element. */
const copying = 48

/** Multiplications per pixel. */
const work = (parts: readonly Part[]): number =>
  parts.reduce((count, { dims }) => count + elementCount(dims), 0)

const summed = (g: GraphBuilder, parts: readonly Part[]): string =>
  sum(
    g,
    parts.map(({ term, dims, kernel, pads }) =>
      g.emit('Conv', [term.x, g.constant(kernel(), `${term.name}_phase`)], {
        kernel_shape: dims.slice(2),
        pads,
      }),
    ),
  )

/** All phases in one Conv with channels (ry, c, rx), because a Conv per row phase would leave its block half empty. */
function together(
  g: GraphBuilder,
  { block: s, channels: C, height, width, cut, terms }: Spread,
): string {
  const convs = terms.map(({ x, weight, name, pads }) => {
    const size = floats(weight).length / (s * s * C)
    const from = floats(weight)
    const to = new Float32Array(from.length)
    for (let ry = 0; ry < s; ry++)
      for (let rx = 0; rx < s; rx++)
        for (let c = 0; c < C; c++) {
          const source = ((ry * s + rx) * C + c) * size
          to.set(from.subarray(source, source + size), ((ry * C + c) * s + rx) * size)
        }
    const kernel = g.constant(tensorOfOwn(weight.dims, to), `${name}_woven`)
    return g.emit('Conv', [x, kernel], { kernel_shape: weight.dims.slice(2), pads })
  })
  const pixels = g.emit('Reshape', [toNhwc(g, sum(g, convs)), g.ints([0, 0, 0, s * C, s])])
  const rows = g.emit('Transpose', [pixels], { perm: [0, 1, 3, 2, 4] })
  const image = g.emit('Reshape', [rows, g.ints([0, height, C, width])])
  const trimmed = cut
    ? g.emit('Slice', [image, g.ints(cut.starts), g.ints(cut.ends), g.ints([1, 3])])
    : image
  return g.emit('Transpose', [trimmed], { perm: [0, 2, 1, 3] })
}

interface Part {
  readonly term: Term
  /** (channels, M, height, width) */
  readonly dims: readonly number[]
  /** Only one of several ways to cut a kernel is taken. */
  kernel(): Tensor
  readonly pads: readonly number[]
}

/** Some of the output channels, without border taps that are zero in all of them; null if all are. */
function crop(term: Term, first: number, last: number): Part | null {
  const [, M, kh, kw] = term.weight.dims as [number, number, number, number]
  const size = kh * kw
  const weights = floats(term.weight).subarray(first * M * size, last * M * size)
  const [top, left, bottom, right] = term.pads as [number, number, number, number]
  const isUsed = Array.from({ length: size }, (_, tap) => {
    for (let k = tap; k < weights.length; k += size) if (weights[k] !== 0) return true
    return false
  })
  const used = isUsed.flatMap((is, tap) => (is ? [tap] : []))
  if (used.length === 0) return null
  const rows = used.map((tap) => Math.floor(tap / kw))
  const columns = used.map((tap) => tap % kw)
  // Cropping a tap takes one off the padding on its side, which cannot become negative.
  const y0 = Math.min(top, ...rows)
  const x0 = Math.min(left, ...columns)
  const y1 = Math.max(kh - bottom, ...rows.map((y) => y + 1))
  const x1 = Math.max(kw - right, ...columns.map((x) => x + 1))
  const dims = [last - first, M, y1 - y0, x1 - x0]
  const taps = Int32Array.from(
    Array.from({ length: size }, (_, tap) => tap).filter((tap) => {
      const [y, x] = [Math.floor(tap / kw), tap % kw]
      return y >= y0 && y < y1 && x >= x0 && x < x1
    }),
  )
  return {
    term,
    dims,
    kernel: () => tensorOfOwn(dims, pickTaps(weights, size, taps)),
    pads: [top - y0, left - x0, bottom - (kh - y1), right - (kw - x1)],
  }
}

/** Those taps of every kernel, in that order. */
function pickTaps(
  weights: Float32Array,
  size: number,
  taps: Int32Array,
): Float32Array<ArrayBuffer> {
  if (taps.length === size) return weights.slice()
  const kept = new Float32Array((weights.length / size) * taps.length)
  let at = 0
  for (let from = 0; from < weights.length; from += size)
    for (let k = 0; k < taps.length; k++) kept[at++] = weights[from + taps[k]!]!
  return kept
}

const toNhwc = (g: GraphBuilder, value: string): string =>
  g.emit('Transpose', [value], { perm: [0, 2, 3, 1] })

function sum(g: GraphBuilder, parts: readonly string[]): string {
  return parts.length === 1 ? parts[0]! : g.emit(parts.length === 2 ? 'Add' : 'Sum', parts)
}
