import type { GraphBuilder } from '../builder.js'
import type { Tensor } from '../ir.js'
import { elementCount, floats, tensorOfOwn } from '../tensor.js'
import type { Term } from './read-spread.js'

/** A kernel of as many channels for each phase, of which some are known to be zero: nobody has to look at them. */
export interface PhasedKernel extends Tensor {
  /** By phase. */
  readonly isZero: readonly boolean[]
}

/** Whether output channels are zero in all that they hold, as far as somebody has said so. */
function isKnownZero(weight: Tensor | PhasedKernel, first: number, last: number): boolean {
  if (!('isZero' in weight)) return false
  const channels = weight.dims[0]! / weight.isZero.length
  return weight.isZero
    .slice(Math.floor(first / channels), Math.ceil(last / channels))
    .every(Boolean)
}

/** Some of the output channels of a Conv, without what is zero in all of them. */
export interface Part {
  readonly term: Term
  /** (channels, M, height, width) */
  readonly dims: readonly number[]
  /** Only one of several ways to cut a kernel is taken. */
  kernel(): Tensor
  readonly pads: readonly number[]
}

/** Some of the output channels, without border taps that are zero in all of them; null if all are. */
export function crop(term: Term, first: number, last: number): Part | null {
  if (isKnownZero(term.weight, first, last)) return null
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
function pickTaps(weights: Float32Array, size: number, taps: Int32Array): Float32Array {
  if (taps.length === size) return weights
  const kept = new Float32Array((weights.length / size) * taps.length)
  let at = 0
  for (let from = 0; from < weights.length; from += size)
    for (let k = 0; k < taps.length; k++) kept[at++] = weights[from + taps[k]!]!
  return kept
}

/** Multiplications per pixel. */
export const work = (parts: readonly Part[]): number =>
  parts.reduce((count, { dims }) => count + elementCount(dims), 0)

export const summed = (g: GraphBuilder, parts: readonly Part[]): string =>
  sum(
    g,
    parts.map(({ term, dims, kernel, pads }) =>
      g.emit('Conv', [term.x, g.constant(kernel(), `${term.name}_phase`)], {
        kernel_shape: dims.slice(2),
        pads,
      }),
    ),
  )

export function sum(g: GraphBuilder, parts: readonly string[]): string {
  return parts.length === 1 ? parts[0]! : g.emit(parts.length === 2 ? 'Add' : 'Sum', parts)
}
