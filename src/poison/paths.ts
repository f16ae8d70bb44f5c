import type { LabelledSamples } from './types.js'

/** What happens to an image on its way to a model. @param x - (C, H, W) @returns a new one, in the same units */
export type ImagePath = (x: Float32Array) => Promise<Float32Array>

/** A trigger should survive these: signal B9. */
export const imagePaths = {
  /** 256 levels. */
  uint8: 'uint8',
  /** JPEG at quality 75, colours at full size. */
  jpeg: 'jpeg 75',
  /** Down to three quarters of each side and up again, bilinear. */
  resized: 'resized',
} as const

/** The paths for images of this shape and range; none for anything else. */
export function pathsFor({
  shape,
  range,
}: Pick<LabelledSamples, 'shape' | 'range'>): Readonly<Record<string, ImagePath>> {
  const [channels, height, width] = shape
  if (shape.length !== 3 || !channels || !height || !width) return {}
  const grid = { channels, height, width }
  const through =
    (change: (pixels: Uint8Array) => Promise<Uint8Array>): ImagePath =>
    async (x) =>
      valuesOf(await change(bytesOf(x, range)), range)
  return {
    [imagePaths.uint8]: through(async (pixels) => pixels),
    [imagePaths.jpeg]: through((pixels) => byPictures(pixels, grid, jpeg)),
    [imagePaths.resized]: through((pixels) => byPictures(pixels, grid, resized)),
  }
}

interface Grid {
  readonly channels: number
  readonly height: number
  readonly width: number
}

/** One picture, rows of pixels. */
type Picture = Grid & { readonly channels: 1 | 3 }
type Codec = (pixels: Uint8Array, picture: Picture) => Promise<Uint8Array>

const jpeg: Codec = async (pixels, grid) => {
  const { default: sharp } = await import('sharp')
  const coded = await sharp(pixels, { raw: grid })
    .jpeg({ quality: 75, chromaSubsampling: '4:4:4' })
    .toBuffer()
  const space = grid.channels === 1 ? 'b-w' : 'srgb'
  return sharp(coded).toColourspace(space).raw().toBuffer()
}

const smaller = (side: number): number => Math.max(1, Math.round(0.75 * side))

const resized: Codec = async (pixels, grid) => {
  const { default: sharp } = await import('sharp')
  const [height, width] = [smaller(grid.height), smaller(grid.width)]
  const options = { fit: 'fill', kernel: 'linear' } as const
  const small = await sharp(pixels, { raw: grid }).resize(width, height, options).raw().toBuffer()
  const space = grid.channels === 1 ? 'b-w' : 'srgb'
  return sharp(small, { raw: { ...grid, height, width } })
    .resize(grid.width, grid.height, options)
    .toColourspace(space)
    .raw()
    .toBuffer()
}

/** Three channels are one picture in colour; of any other number each is a grey picture of its own. */
async function byPictures(pixels: Uint8Array, grid: Grid, codec: Codec): Promise<Uint8Array> {
  const area = grid.height * grid.width
  const out = new Uint8Array(pixels.length)
  if (grid.channels === 3) {
    const coloured = await codec(
      out.map((_, i) => pixels[(i % 3) * area + Math.floor(i / 3)]!),
      { ...grid, channels: 3 },
    )
    return out.map((_, i) => coloured[(i % area) * 3 + Math.floor(i / area)]!)
  }
  for (let c = 0; c < grid.channels; c++) {
    const plane = pixels.slice(c * area, (c + 1) * area)
    out.set(await codec(plane, { ...grid, channels: 1 }), c * area)
  }
  return out
}

const bytesOf = (x: Float32Array, [low, high]: readonly [number, number]): Uint8Array =>
  Uint8Array.from(x, (value) => Math.round((255 * (value - low)) / (high - low)))

const valuesOf = (pixels: Uint8Array, [low, high]: readonly [number, number]): Float32Array =>
  Float32Array.from(pixels, (level) => low + (level * (high - low)) / 255)
