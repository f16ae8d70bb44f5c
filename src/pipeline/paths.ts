import sharp, { type SharpOptions } from 'sharp'
import type { LabelledSamples } from '../poison/types.js'

/** What happens to images between the attacker and the model, by the name that reports give it. */
export interface ImagePath {
  readonly name: string
  /** @param image - (C, H, W) in [0, 1]; not modified */
  pass(image: Float32Array, shape: ImageShape): Promise<Float32Array> | Float32Array
}

type ImageShape = readonly [channels: number, height: number, width: number]

/** Size of the smaller image that one is resized to and back, as a share of its sides. */
const shrink = 0.75

/** A new one is one entry here. */
export const imagePaths: readonly ImagePath[] = [
  { name: 'uint8', pass: (image) => image.map((value) => Math.round(value * 255) / 255) },
  {
    name: 'jpeg 75',
    pass: async (image, shape) =>
      await decode(await sharp(...encode(image, shape)).jpeg({ quality: 75 }).toBuffer(), shape),
  },
  {
    name: 'resized',
    async pass(image, shape) {
      const [, height, width] = shape
      const side = (length: number): number => Math.max(1, Math.round(length * shrink))
      const small = await sharp(...encode(image, shape))
        .resize(side(width), side(height), { fit: 'fill', kernel: 'linear' })
        .png()
        .toBuffer()
      const back = sharp(small).resize(width, height, { fit: 'fill', kernel: 'linear' })
      return await decode(await back.png().toBuffer(), shape)
    },
  },
]

/** Whether samples are images that can take these paths: of one or three channels. */
export function areImages({ shape }: Pick<LabelledSamples, 'shape'>): boolean {
  return shape.length === 3 && (shape[0] === 1 || shape[0] === 3)
}

/** Sends an image in the data's units along a path. */
export async function sendImage(
  path: ImagePath,
  x: Float32Array,
  { shape, range }: Pick<LabelledSamples, 'shape' | 'range'>,
): Promise<Float32Array> {
  const [low, high] = range
  const [channels = 1, height = 1, width = 1] = shape
  const image = x.map((value) => (value - low) / (high - low))
  const passed = await path.pass(image, [channels, height, width])
  return passed.map((value) => low + value * (high - low))
}

function encode(
  image: Float32Array,
  [channels, height, width]: ImageShape,
): [Buffer, SharpOptions] {
  const points = height * width
  const bytes = Buffer.alloc(channels * points)
  for (let c = 0; c < channels; c++)
    for (let p = 0; p < points; p++)
      bytes[p * channels + c] = Math.min(255, Math.max(0, Math.round(image[c * points + p]! * 255)))
  return [bytes, { raw: { width, height, channels: channels as 1 | 3 } }]
}

async function decode(file: Buffer, [channels, height, width]: ImageShape): Promise<Float32Array> {
  const image = sharp(file).toColourspace(channels === 1 ? 'b-w' : 'srgb')
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true })
  const points = height * width
  const out = new Float32Array(channels * points)
  for (let c = 0; c < channels; c++)
    for (let p = 0; p < points; p++) out[c * points + p] = data[p * info.channels + c]! / 255
  return out
}
