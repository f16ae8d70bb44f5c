import { GauntletError } from '../errors.js'
import type { Value } from '../graph/ir.js'
import type { Preprocessing } from '../graph/passes/preprocess.js'
import { elementCount } from '../graph/tensor.js'

export interface InputOptions {
  /** Shape of one sample as the data set has it, channels first; default: as the network has it. */
  readonly sampleShape?: readonly number[] | undefined
  readonly layout?: 'nchw' | 'nhwc' | undefined
  readonly mean?: readonly number[] | undefined
  readonly std?: readonly number[] | undefined
}

export interface InputFit {
  readonly preprocessing: Preprocessing
  /** The batch size the file fixes, or null. */
  readonly batch: number | null
}

/**
 * How samples of the data set become the network's input.
 * @throws GNT_DATA_SHAPE when no transpose or reshape makes them fit, or mean and std have the wrong length
 */
export function fitInput(input: Value, options: InputOptions): InputFit {
  const dims = input.dims
  const sample = options.sampleShape ?? ownShape(dims, options.layout)
  const batch = typeof dims?.[0] === 'number' ? dims[0] : null
  const channelsLast = wantsChannelsLast(dims?.slice(1) ?? null, sample, options.layout)
  const arriving = channelsLast ? [...sample.slice(1), sample[0]!] : sample
  const wanted = dims?.slice(1) ?? arriving
  const modelShape = fill(wanted, arriving)
  if (modelShape === null)
    throw new GauntletError('GNT_DATA_SHAPE', {
      what: 'the samples do not fit the input of the model',
      where: `input ${input.name}`,
      got: `samples of shape [${sample.join(', ')}]`,
      expected: `[${wanted.map((size) => size ?? '?').join(', ')}]`,
      fix:
        dims?.join() === sample.join()
          ? 'export the model with the batch as the first axis of its input'
          : canBeLayout(wanted, sample)
            ? 'check --layout and the data set'
            : 'take data with the shape of the model, or a model for these data',
    })
  for (const [name, values] of [
    ['mean', options.mean],
    ['std', options.std],
  ] as const) {
    if (!values || values.length === 1 || values.length === sample[0]) continue
    throw new GauntletError('GNT_DATA_SHAPE', {
      what: `${name} has the wrong length`,
      got: `${values.length} values`,
      expected: sample[0] === 1 ? '1, for the one channel' : `1 or ${sample[0]}, one per channel`,
    })
  }
  if (options.std?.some((std) => !(std > 0) || !Number.isFinite(std)))
    throw new GauntletError('GNT_DATA_SHAPE', {
      what: 'std must be greater than 0',
      got: options.std.join(', '),
    })
  if (options.mean?.some((mean) => !Number.isFinite(mean)))
    throw new GauntletError('GNT_DATA_SHAPE', {
      what: 'mean must be numbers',
      got: options.mean.join(', '),
    })
  return {
    batch,
    preprocessing: {
      sampleShape: sample,
      modelShape,
      channelsLast,
      mean: options.mean,
      std: options.std,
    },
  }
}

type Dims = readonly (number | string | null)[]

/** The sample shape the network itself asks for, channels first; free axes are 1. */
function ownShape(dims: Dims | null, layout: 'nchw' | 'nhwc' | undefined): readonly number[] {
  const shape = dims?.slice(1).map((size) => (typeof size === 'number' ? size : 1)) ?? []
  return layout === 'nhwc' && shape.length === 3 ? [shape[2]!, shape[0]!, shape[1]!] : shape
}

function wantsChannelsLast(
  dims: Dims | null,
  sample: readonly number[],
  layout: 'nchw' | 'nhwc' | undefined,
): boolean {
  if (sample.length !== 3) return false
  if (layout) return layout === 'nhwc'
  const fits = (shape: readonly number[]): boolean =>
    dims?.length === 3 &&
    dims.every((size, axis) => typeof size !== 'number' || size === shape[axis])
  return !fits(sample) && fits([...sample.slice(1), sample[0]!])
}

/** The network's shape with its free axes taken from the samples; null when they cannot agree. */
function fill(wanted: Dims, arriving: readonly number[]): readonly number[] | null {
  if (wanted.length === arriving.length) {
    const same = wanted.every((size, axis) => typeof size !== 'number' || size === arriving[axis])
    if (same) return arriving
  }
  if (!wanted.every((size): size is number => typeof size === 'number')) return null
  if (elementCount(wanted) !== elementCount(arriving)) return null
  return isPermuted(wanted, arriving) ? null : wanted
}

/** The same axes in another order: a reshape would fit, and scramble the pixels. */
function isPermuted(a: readonly number[], b: readonly number[]): boolean {
  const [longA, longB] = [a, b].map((shape) => shape.filter((size) => size !== 1))
  return longA!.join() !== longB!.join() && inOrder(longA!) === inOrder(longB!)
}

/** Whether another order of the axes makes them fit. */
const canBeLayout = (wanted: Dims, sample: readonly number[]): boolean =>
  wanted.length === 3 &&
  sample.length === 3 &&
  [
    [0, 1, 2],
    [1, 2, 0],
    [2, 0, 1],
  ].some((order) =>
    order.every((axis, i) => typeof wanted[i] !== 'number' || wanted[i] === sample[axis]),
  )

const inOrder = (shape: readonly number[]): string => shape.toSorted((a, b) => a - b).join()
