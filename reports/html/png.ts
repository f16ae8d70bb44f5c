import type { PictureView } from '../../src/reporter.js'

/** PNG data URIs of one example, at the size of the data; the page enlarges them. */
export interface PicturePngs {
  readonly width: number
  readonly height: number
  readonly clean: string
  readonly adversarial: string
  readonly difference: string
  /** The change per value that is drawn at full strength, in the data set's units. */
  readonly fullScale: number
}

/** Height and width for [1|3, H, W] and [H, W]; undefined for anything that is not a picture. */
export function imageSize(
  shape: readonly number[],
): { channels: 1 | 3; height: number; width: number } | undefined {
  const [channels, height, width] = shape.length === 2 ? [1, ...shape] : shape
  if (shape.length < 2 || shape.length > 3 || !height || !width) return undefined
  return channels === 1 || channels === 3 ? { channels, height, width } : undefined
}

/** @returns undefined when the example is not a picture, or its pixels do not fill its shape */
export async function picturePngs(picture: PictureView): Promise<PicturePngs | undefined> {
  const size = imageSize(picture.shape)
  const pixels = size && size.channels * size.height * size.width
  if (!size || picture.clean.length !== pixels || picture.adversarial.length !== pixels)
    return undefined
  const [low, high] = picture.range
  const level = (value: number) => ((value - low) / (high - low)) * 255
  const fullScale = differenceScale(picture)
  const share = (i: number) => ((picture.adversarial[i] ?? 0) - (picture.clean[i] ?? 0)) / fullScale
  const encode = (rgb: (i: number) => readonly number[]) => encodePng(size, rgb)
  const shown = (values: Float32Array) => (i: number) => [level(values[i] ?? 0)]
  return {
    ...size,
    fullScale,
    clean: await encode(shown(picture.clean)),
    adversarial: await encode(shown(picture.adversarial)),
    difference: await encode(
      size.channels === 1 ? (i) => diverging(share(i)) : (i) => [127.5 + 127.5 * share(i)],
    ),
  }
}

/**
 * L∞ bounds each value by epsilon, so ±epsilon fills the range. L2 and L1 bound a sum: a single value
 * changes by far less, and the greatest change fills the range instead.
 */
export function differenceScale({ norm, epsilon, clean, adversarial }: PictureView): number {
  if (norm === 'linf' && epsilon > 0) return epsilon
  const greatest = clean.reduce(
    (max, x, i) => Math.max(max, Math.abs((adversarial[i] ?? x) - x)),
    0,
  )
  return greatest || 1
}

/** −1 blue, 0 near-white, +1 red: tells sign apart for colour-blind readers too (ColorBrewer RdBu ends). */
export function diverging(share: number): readonly number[] {
  const end = share < 0 ? [5, 88, 160] : [190, 20, 35]
  const strength = Math.min(1, Math.abs(share))
  return [247, 247, 247].map((white, c) => white + ((end[c] ?? 0) - white) * strength)
}

/**
 * @param colour - of value `i` of the channels-first array: one level, or [r, g, b] for one channel; 0–255
 */
export async function encodePng(
  { channels, height, width }: { channels: 1 | 3; height: number; width: number },
  colour: (i: number) => readonly number[],
): Promise<string> {
  const { default: sharp } = await import('sharp')
  const plane = height * width
  const raw = new Uint8ClampedArray(plane * 3)
  for (let pixel = 0; pixel < plane; pixel++) {
    const planes =
      channels === 3 ? [0, 1, 2].map((c) => colour(c * plane + pixel)[0] ?? 0) : colour(pixel)
    for (let c = 0; c < 3; c++) raw[pixel * 3 + c] = planes[c] ?? planes[0] ?? 0
  }
  const image = sharp(raw, { raw: { width, height, channels: 3 } }).png({ compressionLevel: 9 })
  return `data:image/png;base64,${(await image.toBuffer()).toString('base64')}`
}
