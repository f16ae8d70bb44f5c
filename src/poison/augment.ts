import { GauntletError } from '../errors.js'
import type { Rng } from '../util/rng.js'

/** Changes of an image at random, in the data's space. */
export interface Augmentation {
  /** Mirrored left to right with this probability: 0.5 is usual. */
  readonly flip?: number | undefined
  /** Padded with `fill` by so many pixels on each side and cropped to its size, anywhere: 4 for CIFAR-10. */
  readonly crop?: number | undefined
  /** Side in pixels of a square that is filled with `fill`, its centre anywhere in the image. */
  readonly cutout?: number | undefined
  /** What comes in from outside the image, in the data's units. Default 0. */
  readonly fill?: number | undefined
}

/** One image of a batch, (C, H, W). */
interface Picture {
  readonly values: Float32Array
  readonly shape: readonly [channels: number, height: number, width: number]
  readonly fill: number
  readonly rng: Rng
}

/**
 * What can be done to an image, in this order. A new one is one line here.
 * Sources: He et al. 2016, arXiv:1512.03385, section 4.2 (flip, crop); DeVries & Taylor 2017, arXiv:1708.04552 (cutout).
 */
const changes: {
  readonly [K in Exclude<keyof Augmentation, 'fill'>]: (picture: Picture, amount: number) => void
} = {
  flip({ values, shape: [, , width], rng }, probability) {
    if (rng.uniform() >= probability) return
    for (let row = 0; row < values.length; row += width) values.subarray(row, row + width).reverse()
  },
  crop({ values, shape: [channels, height, width], fill, rng }, padding) {
    const down = rng.below(2 * padding + 1) - padding
    const right = rng.below(2 * padding + 1) - padding
    const from = values.slice()
    for (let c = 0; c < channels; c++)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const [sy, sx] = [y + down, x + right]
          const isInside = sy >= 0 && sy < height && sx >= 0 && sx < width
          values[(c * height + y) * width + x] = isInside
            ? from[(c * height + sy) * width + sx]!
            : fill
        }
  },
  cutout({ values, shape: [channels, height, width], fill, rng }, side) {
    const top = rng.below(height) - Math.floor(side / 2)
    const left = rng.below(width) - Math.floor(side / 2)
    for (let c = 0; c < channels; c++)
      for (let y = Math.max(0, top); y < Math.min(height, top + side); y++)
        values.fill(
          fill,
          (c * height + y) * width + Math.max(0, left),
          (c * height + y) * width + Math.max(0, Math.min(width, left + side)),
        )
  },
}

const names = Object.keys(changes) as readonly (keyof typeof changes)[]

/**
 * Changes one sample in place.
 * @param shape - (C, H, W)
 * @param rng - of this sample in this epoch: what another sample draws has no say
 */
export function augment(
  values: Float32Array,
  shape: readonly number[],
  options: Augmentation,
  rng: Rng,
): void {
  const [channels = 1, height = 1, width = 1] = shape
  const { fill = 0 } = options
  for (const name of names) {
    const amount = options[name]
    if (amount) changes[name]({ values, shape: [channels, height, width], fill, rng }, amount)
  }
}

/** @throws GNT_USAGE for what is no image or out of range */
export function checkAugmentation(options: Augmentation, shape: readonly number[]): void {
  if (shape.length !== 3)
    refuse('only images can be augmented', `samples of shape [${shape.join(', ')}]`, '[C, H, W]')
  const { flip = 0, crop = 0, cutout = 0, fill = 0 } = options
  if (!(flip >= 0 && flip <= 1)) refuse('wrong probability of flips', String(flip), '0 to 1')
  for (const [name, pixels] of Object.entries({ crop, cutout }))
    if (!Number.isInteger(pixels) || pixels < 0 || pixels > Math.min(...shape.slice(1)))
      refuse(`wrong number of pixels for ${name}`, String(pixels), '0 to the size of the image')
  if (!Number.isFinite(fill)) refuse('wrong value to fill with', String(fill), 'a number')
}

function refuse(what: string, got: string, expected: string): never {
  throw new GauntletError('GNT_USAGE', { what, got, expected })
}
