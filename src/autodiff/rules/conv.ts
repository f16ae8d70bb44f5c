import { floats, tensorOfFloats } from '../../graph/tensor.js'
import type { Tensor } from '../../graph/ir.js'
import { geometryOf, transposed, type Geometry } from '../geometry.js'
import { gradient, type Gradients, type RuleContext, type RuleTable } from '../rule.js'

/**
 * Conv: Y = X ⋆ W + B.   X (N, C, ...S)   W (M, C/g, ...K)   dY (N, M, ...T)
 *
 * dX is a transposed convolution; how it is written decides its speed, because only Conv has ONNX
 * Runtime's blocked kernels:
 * - stride 1: Conv of dY with the kernel turned by 180° and its channels swapped;
 * - stride s in 2-D: one Conv that yields the s² phases of dX as channels, then DepthToSpace;
 * - otherwise, and when W is not a constant: ConvTranspose.
 */
function conv(context: RuleContext): Gradients {
  const { g, x, dy, wants } = context
  const dY = dy[0]!
  const group = context.int('group', 1)
  const weightShape = context.shape(x[1]!) as readonly number[]
  const geometry = geometryOf(context, weightShape.slice(2))
  const spatialAxes = geometry.kernel.map((_, axis) => axis + 2)
  return [
    wants[0] ? inputGradient(context, dY, geometry, group) : null,
    wants[1] ? weightGradient(context, dY, geometry, group) : null,
    wants[2] ? g.emit('ReduceSum', [dY, g.ints([0, ...spatialAxes])], { keepdims: 0 }) : null,
  ]
}

function inputGradient(context: RuleContext, dY: string, geometry: Geometry, group: number): string {
  const { g, x } = context
  const weight = g.initializer(x[1]!)
  const isConstant = weight?.dtype === 'float32'
  if (isConstant && geometry.strides.every((stride) => stride === 1)) {
    const reach = geometry.kernel.map((k, axis) => (k - 1) * geometry.dilations[axis]!)
    const begin = reach.map((r, axis) => r - geometry.begin[axis]!)
    const end = reach.map((r, axis) => r - geometry.end[axis]!)
    if ([...begin, ...end].every((pad) => pad >= 0))
      return g.emit('Conv', [dY, g.constant(turned(weight, group), `${x[1]}_turned`)], {
        kernel_shape: geometry.kernel,
        dilations: geometry.dilations,
        pads: [...begin, ...end],
        group,
      })
  }
  if (isConstant && group === 1) {
    const phased = phases(context, dY, geometry, weight)
    if (phased) return phased
  }
  return g.emit('ConvTranspose', [dY, x[1]!], { ...transposed(geometry), group })
}

/** (M, C/g, ...K) → (C, M/g, ...K), every kernel reversed along all its axes. */
function turned(weight: Tensor, group: number): Tensor {
  const [M, Cg, ...kernel] = weight.dims as [number, number, ...number[]]
  const taps = kernel.reduce((a, b) => a * b, 1)
  const Mg = M / group
  const from = floats(weight)
  const to = new Float32Array(from.length)
  for (let k = 0; k < group; k++)
    for (let m = 0; m < Mg; m++)
      for (let c = 0; c < Cg; c++) {
        const source = ((k * Mg + m) * Cg + c) * taps
        const target = ((k * Cg + c) * Mg + m) * taps
        for (let t = 0; t < taps; t++) to[target + taps - 1 - t] = from[source + t]!
      }
  return tensorOfFloats([Cg * group, Mg, ...kernel], to)
}

/**
 * Stride s > 1 in 2-D. Pixel i of X has the phase r = (i + σ) mod s, with i + σ = s·q + r; the taps that reach it
 * are t ≡ r − σ + p (mod s), and they read dY at q + (r − σ + p − t)/s: for each of the s² phases a small
 * stride-1 convolution. All phases together are one Conv with s²·C output channels, put in place by
 * DepthToSpace; a pass splits it again where that saves work. The shift σ < s is chosen for the least work.
 *
 * @returns null where this form does not apply
 */
function phases(context: RuleContext, dY: string, geometry: Geometry, weight: Tensor): string | null {
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
  for (let ry = 0; ry < s; ry++)
    for (let rx = 0; rx < s; rx++)
      for (const [ly, ty] of ay.taps[ry]!)
        for (const [lx, tx] of ax.taps[rx]!)
          for (let c = 0; c < C; c++)
            for (let m = 0; m < M; m++)
              // DepthToSpace in DCR order reads channel (ry·s + rx)·C + c.
              to[((((ry * s + rx) * C + c) * M + m) * ay.length + ly) * ax.length + lx] =
                from[((m * C + c) * kh + ty) * kw + tx]!
  const kernel = tensorOfFloats([s * s * C, M, ay.length, ax.length], to)
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
  const offsets = Array.from({ length: s }, (_, r) =>
    Array.from({ length: k }, (_, t) => t)
      .filter((t) => (r + p - t) % s === 0)
      .map((t): [number, number] => [(r + p - t) / s, t]),
  )
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

/**
 * dW[m, c, t] = Σ_{n, o} dY[n, m, o] · X[n, c, o·s − p + t·d]: a convolution of X with dY as its kernel,
 * batch and channels swapped, strides and dilations swapped. Groups: channels of one group stay together.
 */
function weightGradient(context: RuleContext, dY: string, geometry: Geometry, group: number): string {
  const { g, x } = context
  const [M, Cg, ...kernel] = context.shape(x[1]!) as number[] as [number, number, ...number[]]
  const rank = kernel.length
  const swap = [1, 0, ...kernel.map((_, axis) => axis + 2)]
  let images: string
  if (group === 1) images = g.emit('Transpose', [x[0]!], { perm: swap })
  else {
    // (N, g·Cg, S) → (N, g, Cg, S) → (Cg, g, N, S) → (Cg, g·N, S)
    const split = g.emit('Reshape', [x[0]!, g.ints([-1, group, Cg, ...geometry.input])])
    const turnedRound = g.emit('Transpose', [split], {
      perm: [2, 1, 0, ...geometry.input.map((_, axis) => axis + 3)],
    })
    images = g.emit('Reshape', [turnedRound, g.ints([Cg, -1, ...geometry.input])])
  }
  const kernels = g.emit('Transpose', [dY], { perm: swap })
  const product = g.emit('Conv', [images, kernels], {
    strides: geometry.dilations,
    dilations: geometry.strides,
    pads: [...geometry.begin, ...geometry.end.map((pad) => Math.max(0, pad))],
    group,
  })
  const back = g.emit('Transpose', [product], { perm: swap })
  if (geometry.end.every((pad) => pad >= 0)) return back
  // Windows that stop short of the border leave extra taps at the end.
  return g.emit('Slice', [
    back,
    g.ints(kernel.map(() => 0)),
    g.ints([...kernel]),
    g.ints(Array.from({ length: rank }, (_, axis) => axis + 2)),
  ])
}

/**
 * ConvTranspose: dX is the Conv whose transpose it is.   X (N, C, ...S)   W (C, M/g, ...K)
 * Source: ONNX Operators.md, ConvTranspose.
 */
function convTranspose(context: RuleContext): Gradients {
  const { g, x, dy, wants } = context
  const dY = dy[0]!
  const weightShape = context.shape(x[1]!) as readonly number[]
  const kernel = weightShape.slice(2)
  const ones = kernel.map(() => 1)
  const strides = context.ints('strides') ?? ones
  const dilations = context.ints('dilations') ?? ones
  const inputSize = context.shape(x[0]!).slice(2) as readonly number[]
  const outputSize = context.shape(context.y[0]!).slice(2) as readonly number[]
  const declared = context.ints('pads') ?? [...kernel, ...kernel].map(() => 0)
  const autoPad = context.string('auto_pad', 'NOTSET')
  const outputPadding = context.ints('output_padding') ?? kernel.map(() => 0)
  const full = kernel.map(
    (k, axis) => (inputSize[axis]! - 1) * strides[axis]! + (k - 1) * dilations[axis]! + 1,
  )
  const begin = kernel.map((_, axis) => {
    if (autoPad === 'NOTSET' || autoPad === '' || autoPad === 'VALID') return declared[axis]!
    const total = Math.max(0, full[axis]! + outputPadding[axis]! - outputSize[axis]!)
    return autoPad === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2)
  })
  const end = kernel.map((_, axis) => full[axis]! - begin[axis]! - outputSize[axis]!)
  const pads = [...begin, ...end.map((pad) => Math.max(0, pad))]
  const group = context.int('group', 1)
  // A negative end pad means rows of dY that no input reached: cut them before convolving.
  const short = end.map((pad) => Math.min(0, pad))
  const reached = short.every((pad) => pad === 0)
    ? dY
    : g.emit('Slice', [
        dY,
        g.ints(kernel.map(() => 0)),
        g.ints(outputSize.map((size, axis) => size + short[axis]!)),
        g.ints(kernel.map((_, axis) => axis + 2)),
      ])
  const swap = [1, 0, ...kernel.map((_, axis) => axis + 2)]
  const weight = (): string | null => {
    if (!wants[1] || group !== 1) return null
    // Roles of Conv's weight gradient with X and dY exchanged.
    const product = g.emit(
      'Conv',
      [g.emit('Transpose', [reached], { perm: swap }), g.emit('Transpose', [x[0]!], { perm: swap })],
      { strides: dilations, dilations: strides, pads },
    )
    return g.emit('Transpose', [product], { perm: swap })
  }
  return [
    wants[0]
      ? g.emit('Conv', [reached, x[1]!], { kernel_shape: kernel, strides, dilations, pads, group })
      : null,
    weight(),
    wants[2]
      ? g.emit('ReduceSum', [dY, g.ints([0, ...kernel.map((_, axis) => axis + 2)])], { keepdims: 0 })
      : null,
  ]
}

export const convRules: RuleTable = { Conv: gradient(conv), ConvTranspose: gradient(convTranspose) }
