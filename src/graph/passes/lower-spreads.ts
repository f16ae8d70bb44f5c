import { GraphBuilder } from '../builder.js'
import { floats, tensorOfOwn } from '../tensor.js'
import { readSpread, type Spread } from './read-spread.js'
import { readersOf, type ShapedGraph } from './readers.js'
import { crop, sum, summed, work, type Part } from './spread-parts.js'

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
    g.replace(spread.result, isWide || spread.phases ? byRows(g, spread) : together(g, spread))
  }
  return { graph: g.finish(graph.inputs, graph.outputs), infos: g.infos }
}

/** Channels that a blocked kernel computes to yield `count`: ONNX Runtime's block is 8 or 16 wide. */
const blocked = (count: number): number => Math.ceil(count / 16) * 16

/** One Conv per row phase with s·C channels (rx, c); their rows alternate. */
function byRows(g: GraphBuilder, spread: Spread): string {
  const { block: s, channels: C, height, width } = spread
  const only = spread.phases ? null : onlyPhase(spread)
  if (only) return finished(g, spread, padded(g, spread, only))
  const across = [0, height / s, width * C]
  const rows = Array.from({ length: s }, (_, ry) => {
    const row = spread.phases
      ? sideBySide(g, spread.phases.slice(ry * s, (ry + 1) * s), C)
      : toNhwcIfAny(g, rowOf(g, spread, ry))
    return row === null ? null : g.emit('Reshape', [row, g.ints(across)])
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

/** Phases (N, C, h, w) of one row as NHWC channels (rx, c). Whole blocks of channels are joined as they lie. */
function sideBySide(g: GraphBuilder, columns: readonly string[], C: number): string {
  if (C % 16 === 0) return toNhwc(g, g.emit('Concat', columns, { axis: 1 }))
  return g.emit(
    'Concat',
    columns.map((column) => toNhwc(g, column)),
    { axis: 3 },
  )
}

/** Multiplications that take as long as copying one element. */
const copying = 48

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

const toNhwc = (g: GraphBuilder, value: string): string =>
  g.emit('Transpose', [value], { perm: [0, 2, 3, 1] })

const toNhwcIfAny = (g: GraphBuilder, value: string | null): string | null =>
  value === null ? null : toNhwc(g, value)
