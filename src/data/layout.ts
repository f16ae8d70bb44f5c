import { GauntletError } from '../errors.js'
import { shapeText } from './raw.js'

export interface Layout {
  /** Shape of one sample, channels first. */
  readonly shape: readonly number[]
  /** True if the stored samples have their channels last and must be turned. */
  readonly isChannelsLast: boolean
}

/**
 * How stored samples become channels-first ones: (N, F) is a table, (N, H, W) has one channel, and
 * for (N, a, b, c) the axis of 1 to 4 sizes is the channels; where both ends could be, the square
 * pair is the picture.
 *
 * @param stored - shape with the batch axis
 * @throws GauntletError GNT_DATA_SHAPE where that does not decide, or the shape is no set of samples
 */
export function resolveLayout(
  stored: readonly number[],
  declared: 'nchw' | 'nhwc' | undefined,
  where: string,
): Layout {
  const sample = stored.slice(1)
  if (stored.length < 2 || sample.includes(0))
    throw new GauntletError('GNT_DATA_SHAPE', {
      what: 'not an array of samples',
      where,
      got: shapeText(stored),
      expected: '(N, features), (N, H, W), (N, C, H, W) or (N, H, W, C)',
    })
  if (sample.length === 1) return { shape: sample, isChannelsLast: false }
  if (sample.length === 2) return { shape: [1, ...sample], isChannelsLast: false }
  const isChannelsLast = (declared ?? guessLayout(sample, stored, where)) === 'nhwc'
  const channels = sample.at(-1) ?? 1
  return { shape: isChannelsLast ? [channels, ...sample.slice(0, -1)] : sample, isChannelsLast }
}

function guessLayout(
  sample: readonly number[],
  stored: readonly number[],
  where: string,
): 'nchw' | 'nhwc' {
  if (sample.length !== 3) return 'nchw'
  const [first = 0, middle = 0, last = 0] = sample
  const canBeFirst = first <= 4
  const canBeLast = last <= 4
  if (canBeFirst !== canBeLast) return canBeFirst ? 'nchw' : 'nhwc'
  if (middle === last && first !== last) return 'nchw'
  if (first === middle && first !== last) return 'nhwc'
  throw new GauntletError('GNT_DATA_SHAPE', {
    what: 'cannot tell which axis holds the channels',
    where,
    got: shapeText(stored),
    fix: "state the data set's layout, nchw or nhwc",
  })
}

/** Where value `i` of a channels-first sample stands in the stored sample. */
export function storedOrder({ shape, isChannelsLast }: Layout): Int32Array | undefined {
  const [channels = 1, ...space] = shape
  if (!isChannelsLast || channels === 1) return undefined
  const points = space.reduce((total, size) => total * size, 1)
  const order = new Int32Array(channels * points)
  for (let c = 0; c < channels; c++)
    for (let p = 0; p < points; p++) order[c * points + p] = p * channels + c
  return order
}
