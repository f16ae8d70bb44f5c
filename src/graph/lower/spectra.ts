import type { DType, Tensor } from '../ir.js'
import type { NodeView } from '../node-view.js'
import { isFixed } from '../shapes.js'
import { numbers, scalar, tensorOf } from '../tensor.js'
import type { Lowering, LoweringTable } from './lowering.js'
import { opsOf } from './ops.js'

/**
 * Fourier transforms of a fixed length are linear maps: products with a constant matrix of cosines and sines, so that
 * the gradient is a product with its transpose. Source: ONNX Operators.md, DFT (17 and 20) and STFT (17); what they
 * leave open is as ONNX Runtime has it.
 */

/** Numbers in a matrix at most (128 MiB in single precision): a transform of a longer signal stays as it is. */
const mostNumbers = 2 ** 25

interface Transform {
  /** Samples that take part, and parts of each: 1 real, 2 real and imaginary. */
  readonly samples: number
  readonly parts: number
  /** Length of the transform: what lies beyond the samples is 0. */
  readonly length: number
  readonly bins: number
  readonly isInverse: boolean
}

/** cos and sin of 2π·m/length; m is brought below the length first, so that large ones lose no digits. */
function circle(length: number): { cos: (m: number) => number; sin: (m: number) => number } {
  const angles = Array.from({ length }, (_, m) => (2 * Math.PI * m) / length)
  const [cosines, sines] = [angles.map(Math.cos), angles.map(Math.sin)]
  return { cos: (m) => cosines[m % length]!, sin: (m) => sines[m % length]! }
}

/** What a part of sample j adds to a part of bin k; part 0 is real, part 1 imaginary. */
function entriesOf({ length, isInverse }: Transform) {
  const { cos, sin } = circle(length)
  const [sign, scale] = isInverse ? [1, 1 / length] : [-1, 1]
  return (j: number, part: number, k: number, to: number): number => {
    if (j >= length) return 0
    // i · (cos + i sin) = −sin + i cos
    return part === to ? scale * cos(j * k) : scale * (part === 0 ? sign : -sign) * sin(j * k)
  }
}

/** (sample, part; bin, part) */
function spectrumMatrix(transform: Transform): number[] {
  const { samples, parts, bins } = transform
  const entry = entriesOf(transform)
  const matrix: number[] = []
  for (let j = 0; j < samples; j++)
    for (let part = 0; part < parts; part++)
      for (let k = 0; k < bins; k++) matrix.push(entry(j, part, k, 0), entry(j, part, k, 1))
  return matrix
}

/**
 * (bin, part; sample): what goes to real samples of a signal whose other bins are the conjugates of these, twice the
 * real part, but for the bins that are their own conjugates.
 */
function realSignalMatrix(bins: number, length: number): number[] {
  const { cos, sin } = circle(length)
  const matrix: number[] = []
  for (let k = 0; k < bins; k++) {
    const weight = ((2 * k) % length === 0 ? 1 : 2) / length
    for (let j = 0; j < length; j++) matrix.push(weight * cos(j * k))
    for (let j = 0; j < length; j++) matrix.push(-weight * sin(j * k))
  }
  return matrix
}

const halfOf = (length: number): number => Math.floor(length / 2) + 1

/** The number in a constant input; null where it is absent, undefined where it is not constant. */
function numberIn({ g, x }: NodeView, index: number): number | null | undefined {
  if (!x[index]) return null
  const tensor = g.initializer(x[index])
  return tensor && scalar(tensor)
}

/** From opset 20 on, the axis is an input and another one the default. */
function axisOf(view: NodeView, rank: number): number | undefined {
  const isInput = view.g.opset >= 20
  const given = isInput ? numberIn(view, 2) : view.int('axis', 1)
  if (given === undefined) return undefined
  const axis = given ?? -2
  return axis < 0 ? axis + rank : axis
}

/** The matrix of a DFT, and the shape (samples or bins, parts) of what comes out; null where there is none. */
function dftMatrix(
  { int }: NodeView,
  dtype: DType,
  samples: number,
  parts: number,
  given: number | null,
): { matrix: Tensor; to: readonly [number, number] } | null {
  const isInverse = int('inverse', 0) === 1
  const isOneSided = int('onesided', 0) === 1
  const isToReal = isInverse && isOneSided
  const length = given ?? (isToReal ? 2 * (samples - 1) : samples)
  const bins = isOneSided && !isInverse ? halfOf(length) : length
  const to = [bins, isToReal ? 1 : 2] as const
  const dims = [samples * parts, to[0] * to[1]] as const
  if (length < 1 || dims[0] * dims[1] > mostNumbers) return null
  // Which bins the others are conjugates of is only clear where they are as many as the length asks for.
  if (isToReal && (samples !== halfOf(length) || parts !== 2)) return null
  const values = isToReal
    ? realSignalMatrix(samples, length)
    : spectrumMatrix({ samples, parts, length, bins, isInverse })
  return { matrix: tensorOf(dtype, dims, values), to }
}

/**
 * X (…, n, …, 1 or 2) → (…, bins, …, 2): with the axis moved before the parts, (…, n · parts) times a matrix. Inverse
 * and one-sided, X (…, bins, …, 2) → (…, length, …, 1).
 */
const dft: Lowering = (view) => {
  const { g, x, info, shape } = view
  const { dtype } = info(x[0]!)
  const sizes = shape(x[0]!)
  const rank = sizes.length
  const axis = axisOf(view, rank)
  const given = numberIn(view, 1)
  if (axis === undefined || given === undefined) return null
  const [samples, parts] = [sizes[axis]!, sizes[rank - 1]!]
  if (!isFixed(samples) || !isFixed(parts)) return null
  const found = dftMatrix(view, dtype, samples, parts, given)
  if (!found) return null
  const ops = opsOf(g, dtype)
  const kept = sizes.slice(0, -2).map(() => 0)
  const swapped = sizes.map((_, k) => (k === axis ? rank - 2 : k === rank - 2 ? axis : k))
  const turn = (value: string): string =>
    axis === rank - 2 ? value : ops.transpose(value, swapped)
  const rows = ops.reshape(turn(x[0]!), [...kept, samples * parts])
  const product = ops.matmul(rows, g.constant(found.matrix, 'dft_matrix'))
  return [turn(ops.reshape(product, [...kept, ...found.to]))]
}

/** What an STFT asks for: a transform of every frame, `step` samples from one to the next. */
interface Frames extends Transform {
  readonly step: number
  readonly frames: number
  /** The window, where there is one. */
  readonly window: string | undefined
}

/** null for lengths that are not constant, and for what ONNX Runtime itself does not compute. */
function framesOf(view: NodeView): Frames | null {
  const { x, int, shape } = view
  const [, signal, parts = 1] = shape(x[0]!)
  const window = x[2] || undefined
  const step = numberIn(view, 1)
  const given = numberIn(view, 3)
  const length = given === null && window ? shape(window)[0] : given
  if (!step || !length || !isFixed(length) || !isFixed(signal!) || !isFixed(parts)) return null
  const bins = int('onesided', 1) === 1 ? halfOf(length) : length
  if (2 * bins * parts * length > mostNumbers) return null
  // ONNX Runtime reads the window of a complex signal as complex numbers: past its end.
  if (window && parts !== 1) return null
  const frames = Math.floor((signal - length) / step) + 1
  return { samples: length, parts, length, bins, isInverse: false, step, frames, window }
}

/** (bin, part; part of the signal; sample): the matrix, times the window, as kernels of a Conv. */
function kernelsOf({ g }: NodeView, dtype: DType, framed: Frames): string {
  const { samples, parts, bins, window } = framed
  const constant = window ? g.initializer(window) : undefined
  const weights = constant && numbers(constant)
  const entry = entriesOf(framed)
  const values: number[] = []
  for (let k = 0; k < bins; k++)
    for (const to of [0, 1])
      for (let part = 0; part < parts; part++)
        for (let j = 0; j < samples; j++)
          values.push(entry(j, part, k, to) * (weights ? weights[j]! : 1))
  const kernels = g.constant(tensorOf(dtype, [2 * bins, parts, samples], values), 'stft_kernels')
  return window && !constant ? g.emit('Mul', [kernels, window]) : kernels
}

/** signal (N, L, parts) or (N, L) → (N, frames, bins · 2): each stride of a Conv is a frame. */
function byConv(view: NodeView, dtype: DType, framed: Frames): string {
  const { g, x, shape } = view
  const ops = opsOf(g, dtype)
  const signal = Number(shape(x[0]!)[1])
  const channels =
    framed.parts === 1 ? ops.reshape(x[0]!, [0, 1, signal]) : ops.transpose(x[0]!, [0, 2, 1])
  const attrs = { strides: [framed.step], kernel_shape: [framed.samples] }
  const spectra = g.emit('Conv', [channels, kernelsOf(view, dtype, framed)], attrs)
  return ops.transpose(spectra, [0, 2, 1])
}

/** The same where there is no Conv: every frame times the matrix. The gradient of the overlaps is slow. */
function byProduct({ g, x, shape }: NodeView, dtype: DType, framed: Frames): string {
  const { samples, parts, bins, step, frames, window } = framed
  const ops = opsOf(g, dtype)
  const signal = Number(shape(x[0]!)[1])
  const places = Array.from(
    { length: frames * samples },
    (_, k) => Math.floor(k / samples) * step + (k % samples),
  )
  const whole = ops.reshape(x[0]!, [0, signal, parts])
  const apart = g.emit('Gather', [whole, g.ints(places)], { axis: 1 })
  const rows = ops.reshape(apart, [0, frames, samples * parts])
  const matrix = tensorOf(dtype, [samples * parts, 2 * bins], spectrumMatrix(framed))
  return ops.matmul(window ? ops.mul(rows, window) : rows, g.constant(matrix, 'stft_matrix'))
}

/** signal (N, L, 1 or 2) or (N, L), window (length) → (N, frames, bins, 2). */
const stft: Lowering = (view) => {
  const { g, x, info } = view
  const { dtype } = info(x[0]!)
  const framed = framesOf(view)
  if (!framed) return null
  const spectra = (dtype === 'float64' ? byProduct : byConv)(view, dtype, framed)
  return [opsOf(g, dtype).reshape(spectra, [0, framed.frames, framed.bins, 2])]
}

export const spectrumLowerings: LoweringTable = { DFT: dft, STFT: stft }
