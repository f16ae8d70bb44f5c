import type { Rng } from '../../../src/plugin.js'
import { compress } from './jpeg.js'
import type { Grid } from './grid.js'
import { blur, pixelate } from './resample.js'

export const corruptionNames = [
  'gaussian-noise',
  'shot-noise',
  'impulse-noise',
  'gaussian-blur',
  'brightness',
  'contrast',
  'pixelate',
  'jpeg',
] as const

export type CorruptionName = (typeof corruptionNames)[number]

interface Corruption {
  /** The constant of each severity, 1 to 5. */
  readonly cifar: readonly number[]
  readonly imagenet: readonly number[]
  /** Values on [0, 1]; what it returns may go beyond, and is clipped. */
  apply(picture: Float64Array, grid: Grid, level: number, rng: Rng): Float64Array
}

/** Each at the five severities of CIFAR-10-C and ImageNet-C. Source: Hendrycks & Dietterich 2019, appendix A. */
export const corruptionsByName: Readonly<Record<CorruptionName, Corruption>> = {
  'gaussian-noise': {
    cifar: [0.04, 0.06, 0.08, 0.09, 0.1],
    imagenet: [0.08, 0.12, 0.18, 0.26, 0.38],
    apply: (picture, _grid, sigma, rng) => picture.map((value) => value + sigma * rng.normal()),
  },
  'shot-noise': {
    cifar: [500, 250, 100, 75, 50],
    imagenet: [60, 25, 12, 5, 3],
    apply: (picture, _grid, photons, rng) =>
      picture.map((value) => poisson(value * photons, rng) / photons),
  },
  'impulse-noise': {
    cifar: [0.01, 0.02, 0.03, 0.05, 0.07],
    imagenet: [0.03, 0.06, 0.09, 0.17, 0.27],
    apply: (picture, _grid, share, rng) =>
      picture.map((value) => {
        const isHit = rng.uniform() < share
        const salt = rng.uniform() < 0.5 ? 0 : 1
        return isHit ? salt : value
      }),
  },
  'gaussian-blur': {
    cifar: [0.4, 0.6, 0.7, 0.8, 1],
    imagenet: [1, 2, 3, 4, 6],
    apply: blur,
  },
  brightness: {
    cifar: [0.05, 0.1, 0.15, 0.2, 0.3],
    imagenet: [0.1, 0.2, 0.3, 0.4, 0.5],
    apply: brighten,
  },
  contrast: {
    cifar: [0.75, 0.5, 0.4, 0.3, 0.15],
    imagenet: [0.4, 0.3, 0.2, 0.1, 0.05],
    apply: flatten,
  },
  pixelate: {
    cifar: [0.95, 0.9, 0.85, 0.75, 0.65],
    imagenet: [0.6, 0.5, 0.4, 0.3, 0.25],
    apply: pixelate,
  },
  jpeg: {
    cifar: [80, 65, 58, 50, 40],
    imagenet: [25, 18, 15, 10, 7],
    apply: compress,
  },
}

/** @param severity - 1 to 5 */
export function levelOf(name: CorruptionName, set: 'cifar' | 'imagenet', severity: number): number {
  const levels = corruptionsByName[name][set]
  return levels[Math.min(Math.max(Math.round(severity), 1), levels.length) - 1]!
}

/** Knuth's product of uniforms; above 30 the normal distribution of the same mean and variance, rounded. */
function poisson(mean: number, rng: Rng): number {
  if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * rng.normal()))
  const least = Math.exp(-mean)
  let count = 0
  for (let product = rng.uniform(); product > least; product *= rng.uniform()) count++
  return count
}

/** More of the V of HSV, which is the largest channel: hue and saturation stay where all channels grow in proportion. */
function brighten(
  picture: Float64Array,
  { channels, height, width }: Grid,
  by: number,
): Float64Array {
  const out = picture.slice()
  const pixels = height * width
  for (let pixel = 0; pixel < pixels; pixel++) {
    let value = 0
    for (let c = 0; c < channels; c++) value = Math.max(value, picture[c * pixels + pixel]!)
    const brighter = Math.min(value + by, 1)
    for (let i = pixel; i < out.length; i += pixels)
      out[i] = value > 0 ? (picture[i]! * brighter) / value : brighter
  }
  return out
}

/** Towards the mean of each channel. */
function flatten(
  picture: Float64Array,
  { channels, height, width }: Grid,
  by: number,
): Float64Array {
  const out = picture.slice()
  const pixels = height * width
  for (let c = 0; c < channels; c++) {
    const plane = picture.subarray(c * pixels, (c + 1) * pixels)
    const mean = plane.reduce((sum, value) => sum + value, 0) / pixels
    for (let i = 0; i < pixels; i++) out[c * pixels + i] = mean + by * (plane[i]! - mean)
  }
  return out
}
