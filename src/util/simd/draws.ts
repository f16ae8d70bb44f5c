import type { Rng } from '../rng.js'
import { draw, inward, run, seed, take, type Interval } from './memory.js'

/** Standard normal values, thirty times as fast as `rng.normal` one by one, from eight streams that `rng` begins. */
export function fillNormal(rng: Rng, out: Float32Array): void {
  draw('normals', rng, out)
}

/**
 * probe ← example + reach·u, into the interval, u being a random direction of length 1 in L2: normal draws over their length,
 * or uniform ones between −1 and 1.
 */
export function probeNear(
  rng: Rng,
  example: Float32Array,
  probe: Float32Array,
  { reach, draws, bounds }: { reach: number; draws: 'normal' | 'uniform'; bounds: Interval },
): void {
  const numbers = [seed(rng, example.length), reach, ...inward(bounds), Number(draws === 'uniform')]
  run('probeNear', [example], numbers, { rooms: 1 })
  take(1, probe)
}

/**
 * out ← d + step·‖d‖·s/‖s‖ with d = example − clean and s random, normal, at right angles to d. @returns ‖d‖
 * Source: Brendel et al. 2018, arXiv:1712.04248, the step along the sphere.
 */
export function turnAside(
  rng: Rng,
  example: Float32Array,
  clean: Float32Array,
  out: Float32Array,
  step: number,
): number {
  const length = run('turnAside', [example, clean], [seed(rng, out.length), step], { rooms: 1 })
  take(2, out)
  return length
}
