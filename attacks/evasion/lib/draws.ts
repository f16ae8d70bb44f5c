import type { Rng } from '../../../src/plugin.js'

/**
 * Standard normal values, several times as fast as `rng.normal` one by one.
 * Source: Marsaglia & Bray 1964, "A convenient method for generating normal variables" (the polar method).
 */
export function fillNormal(rng: Rng, out: Float32Array | Float64Array): void {
  const draws = new Float64Array(Math.min(512, 4 * out.length))
  let next = draws.length
  for (let i = 0; i < out.length; i += 2) {
    let [u, v, square] = [0, 0, 0]
    do {
      if (next === draws.length) {
        rng.fillUniform(draws, -1, 1)
        next = 0
      }
      u = draws[next]!
      v = draws[next + 1]!
      next += 2
      square = u * u + v * v
    } while (square >= 1 || square === 0)
    const scale = Math.sqrt((-2 * Math.log(square)) / square)
    out[i] = scale * u
    if (i + 1 < out.length) out[i + 1] = scale * v
  }
}

/** −1 or 1, each with the same chance. */
export function fillSigns(rng: Rng, out: Float32Array): void {
  let bits = 0
  for (let i = 0; i < out.length; i++) {
    if (i % 32 === 0) bits = rng.uint32()
    out[i] = (bits & 1) * 2 - 1
    bits >>>= 1
  }
}
