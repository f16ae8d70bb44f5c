import type { Tensor } from '../graph/ir.js'
import type { PhasedKernel } from '../graph/passes/spread-parts.js'
import { floats, tensorOfOwn } from '../graph/tensor.js'
import type { Geometry } from './geometry.js'
import type { RuleContext } from './rule.js'
import { swapChannels } from './swap-channels.js'

/**
 * Input gradient of a 2-D Conv with stride s > 1 and a constant kernel. Pixel i of X has the phase r = (i + σ) mod s, with i + σ = s·q + r; the taps that reach it
 * are t ≡ r − σ + p (mod s), and they read dY at q + (r − σ + p − t)/s: for each of the s² phases a small
 * stride-1 convolution. All phases together are one Conv with s²·C output channels, put in place by
 * DepthToSpace; a pass splits it again where that saves work. The shift σ < s is chosen for the least work.
 *
 * @returns null where this form does not apply
 */
export function phases(
  context: RuleContext,
  dY: string,
  geometry: Geometry,
  weight: Tensor,
): string | null {
  const { g, x } = context
  const s = geometry.strides[0]!
  if (
    geometry.kernel.length !== 2 ||
    geometry.strides[1] !== s ||
    s === 1 ||
    geometry.dilations.some((dilation) => dilation !== 1)
  )
    return null
  const axes = [phaseAxis(geometry, 0, s), phaseAxis(geometry, 1, s)]
  const [ay, ax] = axes
  if (!ay || !ax) return null
  const [M, C, kh, kw] = weight.dims as [number, number, number, number]
  const from = floats(weight)
  const to = new Float32Array(s * s * C * M * ay.length * ax.length)
  const length = ay.length * ax.length
  const isZero: boolean[] = []
  for (let ry = 0; ry < s; ry++)
    for (let rx = 0; rx < s; rx++) {
      const pairs = ay.taps[ry]!.flatMap(([ly, ty]) =>
        ax.taps[rx]!.map(([lx, tx]) => [ly * ax.length + lx, ty * kw + tx] as const),
      )
      isZero.push(pairs.length === 0)
      // DepthToSpace in DCR order reads channel (ry·s + rx)·C + c.
      const target = (ry * s + rx) * C * M * length
      swapChannels(from, to, [M, C], { from: kh * kw, to: length, pairs }, 0, target)
    }
  const dims = [s * s * C, M, ay.length, ax.length]
  const kernel: PhasedKernel = { ...tensorOfOwn(dims, to), isZero }
  const stacked = g.emit('Conv', [dY, g.constant(kernel, `${x[1]}_phases`)], {
    kernel_shape: [ay.length, ax.length],
    pads: [ay.begin, ax.begin, ay.end, ax.end],
  })
  const { dtype, shape } = context.info(x[0]!)
  const spread = g.know(g.emit('DepthToSpace', [stacked], { blocksize: s, mode: 'DCR' }), {
    dtype,
    shape: [...shape.slice(0, 2), s * ay.size, s * ax.size],
  })
  const [height, width] = geometry.input as [number, number]
  if (s * ay.size === height && s * ax.size === width) return spread
  const starts = [ay.shift, ax.shift]
  const ends = [ay.shift + height, ax.shift + width]
  const cut = g.emit('Slice', [spread, g.ints(starts), g.ints(ends), g.ints([2, 3])])
  return g.know(cut, { dtype, shape })
}

/**
 * The same of a depthwise Conv: a small depthwise Conv for each phase, side by side as channels in the order that
 * DepthToSpace reads. `commuteSpreads` takes what follows into the phases, `lowerSpreads` puts them in place.
 *
 * @returns null where this form does not apply
 */
export function depthwisePhases(
  { g, x, info }: RuleContext,
  dY: string,
  { kernel, strides, dilations, input, output, begin }: Geometry,
  weight: Tensor,
): string | null {
  const s = strides[0]!
  const { dtype, shape } = info(x[0]!)
  const [C, perGroup, kh, kw] = weight.dims as [number, number, number, number]
  const isDepthwise = perGroup === 1 && C === shape[1]
  if (kernel.length !== 2 || !isDepthwise || s === 1 || strides[1] !== s) return null
  if (dilations.some((dilation) => dilation !== 1) || input.some((size) => size % s !== 0))
    return null
  const phasesOf = (axis: 0 | 1): PhaseOfAxis[] =>
    Array.from({ length: s }, (_, r) => {
      const taps = tapsOf(kernel[axis]!, begin[axis]!, s, r)
      const offsets = taps.map(([offset]) => offset)
      const [least, most] = [Math.min(...offsets), Math.max(...offsets)]
      const end = input[axis]! / s - output[axis]! + most
      return { taps, least, length: most - least + 1, begin: -least, end }
    })
  const [rows, columns] = [phasesOf(0), phasesOf(1)]
  const isPlain = [...rows, ...columns].every(
    ({ taps, ...one }) => taps.length > 0 && one.begin >= 0 && one.end >= 0,
  )
  if (!isPlain) return null
  const from = floats(weight)
  const parts = rows.flatMap((y, ry) =>
    columns.map((z, rx) => {
      const taps = y.length * z.length
      const to = new Float32Array(C * taps)
      for (let c = 0; c < C; c++)
        for (const [oy, ty] of y.taps)
          for (const [oz, tz] of z.taps)
            to[c * taps + (oy - y.least) * z.length + oz - z.least] = from[(c * kh + ty) * kw + tz]!
      const kernels = tensorOfOwn([C, 1, y.length, z.length], to)
      const part = g.emit('Conv', [dY, g.constant(kernels, `${x[1]}_phase_${ry}_${rx}`)], {
        kernel_shape: [y.length, z.length],
        pads: [y.begin, z.begin, y.end, z.end],
        group: C,
      })
      const size = input.map((length) => length / s)
      return g.know(part, { dtype, shape: [...shape.slice(0, 2), ...size] })
    }),
  )
  const stacked = g.emit('Concat', parts, { axis: 1 })
  return g.know(g.emit('DepthToSpace', [stacked], { blocksize: s, mode: 'DCR' }), { dtype, shape })
}

/** The taps of one phase along one axis, [position in dY, tap of the kernel], and their padding. */
interface PhaseOfAxis {
  readonly taps: readonly (readonly [number, number])[]
  readonly least: number
  readonly length: number
  readonly begin: number
  readonly end: number
}

interface PhaseAxis {
  readonly shift: number
  /** Positions q that cover the axis. */
  readonly size: number
  /** Length of the stacked kernel along this axis, and its padding. */
  readonly length: number
  readonly begin: number
  readonly end: number
  /** Per phase: [position in the stacked kernel, tap of the original kernel]. */
  readonly taps: readonly (readonly (readonly [number, number])[])[]
}

/** The phases along one axis with the shift that needs the fewest multiplications, the smaller one of two equals. */
function phaseAxis(geometry: Geometry, axis: number, s: number): PhaseAxis | null {
  let best: PhaseAxis | null = null
  for (let shift = 0; shift < s; shift++) {
    const one = shiftedPhases(geometry, axis, s, shift)
    if (one.begin < 0 || one.end < 0) continue
    if (!best || one.length * one.size < best.length * best.size) best = one
  }
  return best
}

function shiftedPhases(geometry: Geometry, axis: number, s: number, shift: number): PhaseAxis {
  const k = geometry.kernel[axis]!
  const p = geometry.begin[axis]! - shift
  const size = Math.ceil((geometry.input[axis]! + shift) / s)
  const offsets = Array.from({ length: s }, (_, r) => tapsOf(k, p, s, r))
  const all = offsets.flat().map(([offset]) => offset)
  const least = Math.min(...all)
  const length = Math.max(...all) - least + 1
  return {
    shift,
    size,
    length,
    begin: -least,
    end: size - geometry.output[axis]! + least + length - 1,
    taps: offsets.map((pairs) => pairs.map(([offset, t]) => [offset - least, t] as const)),
  }
}

/** The taps that reach the pixels of phase r, for a kernel of length k and padding p: [position in dY, tap]. */
function tapsOf(k: number, p: number, s: number, r: number): [number, number][] {
  return Array.from({ length: k }, (_, t) => t)
    .filter((t) => (r + p - t) % s === 0)
    .map((t): [number, number] => [(r + p - t) / s, t])
}
