import type { Rng } from '../../../src/plugin.js'

/** −1 or 1, each with the same chance. */
export function fillSigns(rng: Rng, out: Float32Array): void {
  let bits = 0
  for (let i = 0; i < out.length; i++) {
    if (i % 32 === 0) bits = rng.uint32()
    out[i] = (bits & 1) * 2 - 1
    bits >>>= 1
  }
}
