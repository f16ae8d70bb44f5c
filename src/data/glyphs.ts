import type { Rng } from '../util/rng.js'
import { createRng } from '../util/rng.js'
import { range, shuffle } from '../util/shuffle.js'
import type { Stroke } from './glyph-shapes.js'
import { glyphShapes } from './glyph-shapes.js'

/** Names of the classes, by label. */
export const glyphClasses: readonly string[] = glyphShapes.map(({ name }) => name)

const side = 28
const pixels = side * side

export interface GlyphOptions {
  readonly count: number
  readonly seed: number
  /** Index of the first sample; default 0. */
  readonly from?: number | undefined
}

/**
 * Samples `from` to `from + count` of an endless seeded set of 28 × 28 gray pictures of ten symbols.
 * A sample depends on the seed and its index alone. Each ten samples from a multiple of ten hold
 * every class once.
 *
 * @returns values: (count, 1, 28, 28), 0-255, C order; labels: 0-9
 */
export function drawGlyphs({ count, seed, from = 0 }: GlyphOptions): {
  values: Uint8Array
  labels: Int32Array
} {
  const values = new Uint8Array(count * pixels)
  const labels = new Int32Array(count)
  let order: readonly number[] = []
  for (let row = 0; row < count; row++) {
    const index = from + row
    if (row === 0 || index % 10 === 0)
      order = shuffle(
        range(glyphShapes.length),
        createRng('glyphs', 'order', seed, Math.floor(index / 10)),
      )
    const label = order[index % 10] ?? 0
    labels[row] = label
    const shape = glyphShapes[label]?.strokes ?? []
    drawGlyph(
      values.subarray(row * pixels, (row + 1) * pixels),
      shape,
      createRng('glyphs', seed, index),
    )
  }
  return { values, labels }
}

function drawGlyph(out: Uint8Array, strokes: readonly Stroke[], rng: Rng): void {
  const place = randomPlacement(rng)
  const glyph = strokes.map((stroke) => transform(stroke, place))
  const ink = coverage(glyph, between(rng, 0.8, 1.5))
  const clutter = coverage(randomClutter(rng), between(rng, 0.5, 0.9))
  const paper = between(rng, 0.05, 0.35)
  const slope = [between(rng, -0.15, 0.15), between(rng, -0.15, 0.15)] as const
  const contrast = between(rng, 0.45, 0.65)
  const clutterContrast = contrast * between(rng, 0.4, 0.8)
  const noise = between(rng, 0.01, 0.06)
  for (let i = 0; i < pixels; i++) {
    const x = ((i % side) - 13.5) / 14
    const y = (Math.floor(i / side) - 13.5) / 14
    const ground = paper + slope[0] * x + slope[1] * y
    const marks = Math.max(contrast * (ink[i] ?? 0), clutterContrast * (clutter[i] ?? 0))
    out[i] = Math.min(255, Math.max(0, Math.round(255 * (ground + marks + noise * rng.normal()))))
  }
}

/** x' = a x + b y + u, y' = c x + d y + v, from symbol units to pixels. */
interface Placement {
  readonly a: number
  readonly b: number
  readonly c: number
  readonly d: number
  readonly u: number
  readonly v: number
}

/** Rotation × shear × scale, then a shift. */
function randomPlacement(rng: Rng): Placement {
  const angle = between(rng, -0.6, 0.6)
  const shear = between(rng, -0.25, 0.25)
  const width = between(rng, 6, 9.5)
  const height = width * between(rng, 0.85, 1.18)
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  return {
    a: cos * width,
    b: (cos * shear - sin) * height,
    c: sin * width,
    d: (sin * shear + cos) * height,
    u: 13.5 + between(rng, -3.5, 3.5),
    v: 13.5 + between(rng, -3.5, 3.5),
  }
}

function transform(stroke: Stroke, { a, b, c, d, u, v }: Placement): Stroke {
  const points: number[] = []
  for (let i = 0; i + 1 < stroke.length; i += 2) {
    const [x = 0, y = 0] = [stroke[i], stroke[i + 1]]
    points.push(a * x + b * y + u, c * x + d * y + v)
  }
  return points
}

/** Short lines anywhere, thinner and fainter than the symbol. */
function randomClutter(rng: Rng): readonly Stroke[] {
  return Array.from({ length: 1 + rng.below(3) }, () => {
    const [x, y] = [between(rng, 0, 27), between(rng, 0, 27)]
    const angle = between(rng, 0, 2 * Math.PI)
    const length = between(rng, 4, 9)
    return [x, y, x + length * Math.cos(angle), y + length * Math.sin(angle)]
  })
}

/**
 * How much of each pixel the strokes cover, 0 to 1: 1 up to `halfWidth - 1/2` pixels from the nearest
 * stroke, falling linearly to 0 over one pixel.
 */
function coverage(strokes: readonly Stroke[], halfWidth: number): Float32Array {
  const out = new Float32Array(pixels)
  const reach = halfWidth + 0.5
  for (const stroke of strokes)
    for (let i = 0; i + 3 < stroke.length; i += 2) {
      const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = [
        stroke[i],
        stroke[i + 1],
        stroke[i + 2],
        stroke[i + 3],
      ]
      const [dx, dy] = [x1 - x0, y1 - y0]
      const scale = 1 / (dx * dx + dy * dy || 1)
      const left = Math.max(0, Math.ceil(Math.min(x0, x1) - reach))
      const right = Math.min(side - 1, Math.floor(Math.max(x0, x1) + reach))
      const top = Math.max(0, Math.ceil(Math.min(y0, y1) - reach))
      const bottom = Math.min(side - 1, Math.floor(Math.max(y0, y1) + reach))
      for (let y = top; y <= bottom; y++)
        for (let x = left; x <= right; x++) {
          const t = Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) * scale))
          const distance = Math.hypot(x - x0 - t * dx, y - y0 - t * dy)
          const cover = Math.min(1, reach - distance)
          const at = y * side + x
          if (cover > (out[at] ?? 0)) out[at] = cover
        }
    }
  return out
}

function between(rng: Rng, low: number, high: number): number {
  return low + (high - low) * rng.uniform()
}
