import type { LabelledSamples } from './types.js'

/** What happens to an image on its way to a model. @param x - (C, H, W) @returns a new one, in the same units */
export type ImagePath = (x: Float32Array) => Promise<Float32Array>

/** A trigger should survive these: signal B9. */
const imagePaths = {
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
    [imagePaths.jpeg]: through((pixels) => jpegged(pixels, grid)),
    [imagePaths.resized]: through(async (pixels) => resized(pixels, grid)),
  }
}

interface Grid {
  readonly channels: number
  readonly height: number
  readonly width: number
}

/** One picture, rows of pixels. */
type Picture = Grid & { readonly channels: 1 | 3 }

async function jpeg(pixels: Uint8Array, grid: Picture): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp')
  const coded = await sharp(pixels, { raw: grid })
    .jpeg({ quality: 75, chromaSubsampling: '4:4:4' })
    .toBuffer()
  const space = grid.channels === 1 ? 'b-w' : 'srgb'
  return sharp(coded).toColourspace(space).raw().toBuffer()
}

const smaller = (side: number): number => Math.max(1, Math.round(0.75 * side))

/** Each channel by itself. */
function resized(pixels: Uint8Array, { channels, height, width }: Grid): Uint8Array {
  const [low, narrow] = [smaller(height), smaller(width)]
  const down = [triangles(height, low), triangles(width, narrow)] as const
  const up = [triangles(low, height), triangles(narrow, width)] as const
  const area = height * width
  const out = new Uint8Array(pixels.length)
  for (let c = 0; c < channels; c++)
    out.set(resampled(resampled(pixels.subarray(c * area, (c + 1) * area), down), up), c * area)
  return out
}

/** By which of the values before it each value is made: [place, weight]. */
type Weights = readonly (readonly (readonly [number, number])[])[]

/** Linear interpolation between the middles of pixels; to fewer of them, over as many as each one covers. */
function triangles(from: number, to: number): Weights {
  const scale = from / to
  const reach = Math.max(1, scale)
  return Array.from({ length: to }, (_, i) => {
    const middle = (i + 0.5) * scale
    const near = Array.from({ length: from }, (_unused, j): [number, number] => [
      j,
      Math.max(0, 1 - Math.abs(j + 0.5 - middle) / reach),
    ]).filter(([, weight]) => weight > 0)
    const sum = near.reduce((total, [, weight]) => total + weight, 0)
    return near.map(([j, weight]) => [j, weight / sum] as const)
  })
}

function resampled(plane: Uint8Array, [rows, columns]: readonly [Weights, Weights]): Uint8Array {
  const width = plane.length / Math.max(...rows.flat().map(([j]) => j + 1))
  return Uint8Array.from({ length: rows.length * columns.length }, (_, at) => {
    const [down, across] = [rows[Math.floor(at / columns.length)]!, columns[at % columns.length]!]
    let sum = 0
    for (const [y, v] of down) for (const [x, u] of across) sum += v * u * plane[y * width + x]!
    return Math.round(sum)
  })
}

/** Three channels are one picture in colour; of any other number each is a grey picture of its own. */
async function jpegged(pixels: Uint8Array, grid: Grid): Promise<Uint8Array> {
  const area = grid.height * grid.width
  const out = new Uint8Array(pixels.length)
  if (grid.channels === 3) {
    const coloured = await jpeg(
      out.map((_, i) => pixels[(i % 3) * area + Math.floor(i / 3)]!),
      { ...grid, channels: 3 },
    )
    return out.map((_, i) => coloured[(i % area) * 3 + Math.floor(i / area)]!)
  }
  for (let c = 0; c < grid.channels; c++) {
    const plane = pixels.slice(c * area, (c + 1) * area)
    out.set(await jpeg(plane, { ...grid, channels: 1 }), c * area)
  }
  return out
}

const bytesOf = (x: Float32Array, [low, high]: readonly [number, number]): Uint8Array =>
  Uint8Array.from(x, (value) => Math.round((255 * (value - low)) / (high - low)))

const valuesOf = (pixels: Uint8Array, [low, high]: readonly [number, number]): Float32Array =>
  Float32Array.from(pixels, (level) => low + (level * (high - low)) / 255)
