import type { LabelledSamples } from '../../src/poison/types.js'
import { createRng } from '../../src/util/rng.js'

export interface TemplateOptions {
  readonly count: number
  readonly shape: readonly number[]
  readonly classes?: number
  readonly seed?: number | string
  readonly range?: readonly [number, number]
  /** Standard deviation of what is added to the template, as a share of the range. */
  readonly noise?: number
}

/**
 * Samples of each class in turn: a smooth template of the class, the same for all seeds, and noise. Small networks learn
 * them in a few steps.
 */
export function templates(options: TemplateOptions): LabelledSamples {
  const { count, shape, classes = 4, seed = 0, range = [0, 1], noise = 0.12 } = options
  const size = shape.reduce((product, axis) => product * axis, 1)
  const width = shape.at(-1) ?? 1
  const [low, high] = range
  const shapes = Array.from({ length: classes }, (_, label) => {
    const rng = createRng('template', label)
    const [across, down, phase] = [0.3 + rng.uniform(), 0.3 + rng.uniform(), 6 * rng.uniform()]
    const scale = 8 / width
    return Float64Array.from({ length: size }, (_unused, i) => {
      const [x, y] = [(i % width) * scale, Math.floor(i / width) * scale]
      return 0.5 + 0.3 * Math.sin(across * x + down * y + phase)
    })
  })
  const x = new Float32Array(count * size)
  const labels = Int32Array.from({ length: count }, (_, n) => n % classes)
  for (let n = 0; n < count; n++) {
    const rng = createRng('templates', seed, n)
    const template = shapes[labels[n]!]!
    for (let i = 0; i < size; i++) {
      const value = template[i]! + noise * rng.normal()
      x[n * size + i] = low + (high - low) * Math.min(1, Math.max(0, value))
    }
  }
  return { count, shape, range, classes, x, labels }
}
