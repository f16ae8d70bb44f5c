import { distance, kernels, type Sample, type ThreatModel } from '../../../src/plugin.js'
import type { Grid } from './grid.js'

/** A part of a course that comes to an answer. */
export type Asking<T> = Generator<undefined, T, undefined>

/** Whether a point within the bounds reaches the goal: one query. */
export function* fools(sample: Sample, point: Float32Array): Asking<boolean> {
  sample.point.set(point)
  yield
  return sample.isFooled
}

/**
 * Some point that reaches the goal: uniform noise in blocks of 1, 2, 4, … values, in turn, because a model may call all
 * fine noise the same. It looks as long as it takes.
 */
export function* anyExample(sample: Sample, grid: Grid, threat: ThreatModel): Asking<Float32Array> {
  const { channels, height, width } = grid
  const { bounds } = threat
  const [low, high] = bounds
  const sides = Math.ceil(Math.log2(Math.max(height, width))) + 1
  const point = new Float32Array(sample.point.length)
  for (let tries = 0; ; tries++) {
    const side = 2 ** (tries % sides)
    const [rows, columns] = [Math.ceil(height / side), Math.ceil(width / side)]
    const blocks = new Float32Array(channels * rows * columns)
    sample.rng.fillUniform(blocks, low, high)
    for (let i = 0; i < point.length; i++) {
      const row = Math.floor((Math.floor(i / width) % height) / side)
      const column = Math.floor((i % width) / side)
      point[i] = blocks[(Math.floor(i / (width * height)) * rows + row) * columns + column]!
    }
    // Noise was drawn in float64: rounded, it may be just outside.
    kernels.clampBetween(point, sample.clean, bounds)
    if (yield* fools(sample, point)) return point
  }
}

/**
 * From an example towards the clean sample, up to the border, by bisection: along the line between them in L2, by clipping
 * the perturbation in L∞. The last point that reached the goal.
 * @param tolerance - as a fraction of the example's distance
 */
export function* towardsClean(
  sample: Sample,
  threat: ThreatModel,
  example: Float32Array,
  tolerance: number,
): Asking<Float32Array> {
  const { norm, bounds } = threat
  const reach = distance(norm, example, sample.clean)
  const at = (share: number): Float32Array => {
    const point = example.slice()
    if (norm === 'linf') kernels.clipAround(point, sample.clean, share * reach, bounds)
    else kernels.lean(point, sample.clean, share, bounds)
    return point
  }
  let [near, far, found] = [0, 1, example]
  while (far - near > tolerance) {
    const middle = (near + far) / 2
    const point = at(middle)
    if (yield* fools(sample, point)) [far, found] = [middle, point]
    else near = middle
  }
  return found
}
