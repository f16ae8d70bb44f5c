import type { Rng } from '../rng.js'
import { fill } from './memory.js'

/** Standard normal values, thirty times as fast as `rng.normal` one by one, from four streams that `rng` begins. */
export function fillNormal(rng: Rng, out: Float32Array): void {
  const seeds = Uint32Array.from({ length: 16 }, () => rng.uint32())
  fill('normals', seeds, out)
}
