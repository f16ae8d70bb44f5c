import { floats, tensorMadeOf } from '../../graph/tensor.js'
import type { Tensor } from '../../graph/ir.js'
import { geometryOf, transposed, transposedBegin, type Geometry } from '../geometry.js'
import { depthwisePhases, phases } from '../phases.js'
import { swapChannels } from '../swap-channels.js'
import { lastWeightGradient } from '../last-weight-gradient.js'
import { weightGradient, type WeightGradient } from '../weight-gradient.js'
import { gradient, type Gradients, type RuleContext, type RuleTable } from '../rule.js'

type KernelGradient = (sum: WeightGradient) => string

/**
 * Conv: Y = X ⋆ W + B.   X (N, C, ...S)   W (M, C/g, ...K)   dY (N, M, ...T)
 *
 * dX is a transposed convolution; how it is written decides its speed, because only Conv has ONNX
 * Runtime's blocked kernels:
 * - stride 1: Conv of dY with the kernel turned by 180° and its channels swapped, which costs nothing worth the name
 *   where the kernel is fed (1.5 to 2 times as fast as ConvTranspose all the same);
 * - stride s in 2-D: one Conv that yields the s² phases of dX as channels, then DepthToSpace, which a later
 *   pass (`lowerSpreads`) replaces by something cheaper; depthwise, a Conv for each phase;
 * - otherwise, and when W is not a constant and strided: ConvTranspose.
 */
function conv(context: RuleContext, kernelGradient: KernelGradient): Gradients {
  const { g, x, dy, wants } = context
  const dY = dy[0]!
  const group = context.int('group', 1)
  const weightShape = context.shape(x[1]!) as readonly number[]
  const geometry = geometryOf(context, weightShape.slice(2))
  const spatialAxes = geometry.kernel.map((_, axis) => axis + 2)
  return [
    wants[0] ? inputGradient(context, dY, geometry, group) : null,
    wants[1] ? kernelGradient({ g, x: x[0]!, dY, shape: weightShape, geometry, group }) : null,
    wants[2] ? g.emit('ReduceSum', [dY, g.ints([0, ...spatialAxes])], { keepdims: 0 }) : null,
  ]
}

function inputGradient(
  context: RuleContext,
  dY: string,
  geometry: Geometry,
  group: number,
): string {
  const { g, x } = context
  const weight = g.initializer(x[1]!)
  const isConstant = weight?.dtype === 'float32'
  // A kernel whose size follows the batch is that of a gradient that is differentiated again.
  const isSized = context.shape(x[1]!).every((size) => typeof size === 'number')
  if (isSized && geometry.strides.every((stride) => stride === 1)) {
    const reach = geometry.kernel.map((k, axis) => (k - 1) * geometry.dilations[axis]!)
    const begin = reach.map((r, axis) => r - geometry.begin[axis]!)
    const end = reach.map((r, axis) => r - geometry.end[axis]!)
    if ([...begin, ...end].every((pad) => pad >= 0))
      return g.emit('Conv', [dY, turnedKernel(context, group)], {
        kernel_shape: geometry.kernel,
        dilations: geometry.dilations,
        pads: [...begin, ...end],
        group,
      })
  }
  if (isConstant) {
    const write = group === 1 ? phases : depthwisePhases
    const phased = write(context, dY, geometry, weight)
    if (phased) return phased
  }
  return g.emit('ConvTranspose', [dY, x[1]!], { ...transposed(geometry), group })
}

/**
 * The turned kernel, as a constant where the kernel is one. Its second axis is left open: where a gradient is
 * differentiated again, a kernel is made of samples, and that axis is the batch.
 */
function turnedKernel({ g, x, shape, info }: RuleContext, group: number): string {
  const name = x[1]!
  const weight = g.initializer(name)
  if (weight?.dtype === 'float32') return g.constant(turned(weight, group), `${name}_turned`)
  const [M, C, ...kernel] = shape(name) as readonly number[]
  const rows = M! / group
  const axes = kernel.map((_, axis) => axis)
  const perm = [0, 2, 1, ...axes.map((axis) => axis + 3)]
  const split = (): string => g.emit('Reshape', [name, g.ints([group, rows, -1, ...kernel])])
  const swapped = g.emit('Transpose', [group === 1 ? name : split()], {
    perm: group === 1 ? [1, 0, ...axes.map((axis) => axis + 2)] : perm,
  })
  const whole = group === 1 ? swapped : g.emit('Reshape', [swapped, g.ints([-1, rows, ...kernel])])
  const known = (value: string): string =>
    g.know(value, { dtype: info(name).dtype, shape: [C! * group, rows, ...kernel] })
  if (kernel.every((size) => size === 1)) return known(whole)
  const all = (value: number): string => g.ints(axes.map(() => value))
  const [first, beyond] = [all(-1), g.ints(kernel.map((size) => -size - 1))]
  const slice = [whole, first, beyond, g.ints(axes.map((axis) => axis + 2)), all(-1)]
  return known(g.emit('Slice', slice))
}

/** (M, C/g, ...K) → (C, M/g, ...K), every kernel reversed along all its axes. */
function turned(weight: Tensor, group: number): Tensor {
  const [M, Cg, ...kernel] = weight.dims as [number, number, ...number[]]
  const taps = kernel.reduce((a, b) => a * b, 1)
  const Mg = M / group
  const pairs = Array.from({ length: taps }, (_, t) => [taps - 1 - t, t] as const)
  return tensorMadeOf([Cg * group, Mg, ...kernel], () => {
    const from = floats(weight)
    const to = new Float32Array(from.length)
    // Depthwise kernels have no channels to swap: they are turned in one go.
    const [groups, rows] = Mg * Cg === 1 ? [1, M] : [group, Mg]
    for (let k = 0; k < groups; k++) {
      const start = k * rows * Cg * taps
      swapChannels(from, to, [rows, Cg], { from: taps, to: taps, pairs }, start, start)
    }
    return to
  })
}

/**
 * ConvTranspose: dX is the Conv whose transpose it is, and dW that Conv's weight gradient with the roles of X and
 * dY exchanged.   X (N, C, ...S)   W (C, M/g, ...K)   dY (N, M, ...T)
 * Source: ONNX Operators.md, ConvTranspose.
 */
function convTranspose(context: RuleContext, kernelGradient: KernelGradient): Gradients {
  const { g, x, dy, wants } = context
  const weightShape = context.shape(x[1]!) as readonly number[]
  const group = context.int('group', 1)
  const { geometry, dY } = transposedGeometry(context, weightShape.slice(2))
  const { kernel, strides, dilations, begin, end } = geometry
  const axes = kernel.map((_, axis) => axis + 2)
  return [
    wants[0]
      ? g.emit('Conv', [dY, x[1]!], {
          kernel_shape: kernel,
          strides,
          dilations,
          pads: [...begin, ...end],
          group,
        })
      : null,
    wants[1] ? kernelGradient({ g, x: dY, dY: x[0]!, shape: weightShape, geometry, group }) : null,
    wants[2] ? g.emit('ReduceSum', [dy[0]!, g.ints([0, ...axes])], { keepdims: 0 }) : null,
  ]
}

/** Geometry of the Conv from dY to dX, and dY without the rows that no input reached (output_padding). */
function transposedGeometry(
  context: RuleContext,
  kernel: readonly number[],
): { geometry: Geometry; dY: string } {
  const { g, x, y, dy } = context
  const ones = kernel.map(() => 1)
  const strides = context.ints('strides') ?? ones
  const dilations = context.ints('dilations') ?? ones
  const output = context.shape(x[0]!).slice(2) as readonly number[]
  const whole = context.shape(y[0]!).slice(2) as readonly number[]
  const full = kernel.map(
    (k, axis) => (output[axis]! - 1) * strides[axis]! + (k - 1) * dilations[axis]! + 1,
  )
  const begin = transposedBegin(context, kernel)
  const end = kernel.map((_, axis) => full[axis]! - begin[axis]! - whole[axis]!)
  const input = whole.map((size, axis) => size + Math.min(0, end[axis]!))
  const isCut = input.some((size, axis) => size < whole[axis]!)
  const starts = kernel.map(() => 0)
  const axes = kernel.map((_, axis) => axis + 2)
  return {
    geometry: {
      input,
      output,
      kernel,
      strides,
      dilations,
      begin,
      end: end.map((pad) => Math.max(0, pad)),
    },
    dY: isCut ? g.emit('Slice', [dy[0]!, g.ints(starts), g.ints(input), g.ints(axes)]) : dy[0]!,
  }
}

const rulesBy = (kernelGradient: KernelGradient): RuleTable => ({
  Conv: gradient((context) => conv(context, kernelGradient)),
  ConvTranspose: gradient((context) => convTranspose(context, kernelGradient)),
})

export const convRules = rulesBy(weightGradient)
/** For gradients that are not differentiated again. */
export const lastConvRules = rulesBy(lastWeightGradient)
