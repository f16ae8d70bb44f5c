import { createHash } from 'node:crypto'

/**
 * A seeded stream of random numbers. One stream per (seed, sample, attack, restart): what a sample
 * draws never depends on the batch, the shard or the worker it happens to be in.
 */
export interface Rng {
  /** 32 random bits as an unsigned integer. */
  uint32(): number
  /** Uniform in [0, 1), 24 bits. */
  uniform(): number
  /** Fills `out` with draws from [low, high): the same as `uniform` one by one, and ten times as fast. */
  fillUniform(out: Float32Array | Float64Array, low: number, high: number): void
  /** Standard normal. */
  normal(): number
  /** Uniform integer in [0, n). */
  below(n: number): number
  /** An independent stream; the same parts give the same stream. */
  fork(...parts: readonly (string | number)[]): Rng
}

/** @param parts - anything that names the stream; order matters. */
export function createRng(...parts: readonly (string | number)[]): Rng {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest()
  return xoshiro128(
    digest.readUInt32LE(0),
    digest.readUInt32LE(4),
    digest.readUInt32LE(8),
    digest.readUInt32LE(12) | 1,
    parts,
  )
}

/** xoshiro128** 1.1. Source: Blackman & Vigna 2021, "Scrambled linear pseudorandom number generators". */
function xoshiro128(
  a: number,
  b: number,
  c: number,
  d: number,
  parts: readonly (string | number)[],
): Rng {
  let spare: number | undefined
  const uint32 = (): number => {
    const t = Math.imul(b, 5)
    const result = Math.imul((t << 7) | (t >>> 25), 9) >>> 0
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = (d << 11) | (d >>> 21)
    return result
  }
  const uniform = (): number => (uint32() >>> 8) / 0x1000000
  return {
    uint32,
    uniform,
    // The state is held in locals for the length of the loop: captured variables cost a memory access each.
    fillUniform(out, low, high) {
      let [s0, s1, s2, s3] = [a, b, c, d]
      const scale = (high - low) / 0x1000000
      for (let i = 0; i < out.length; i++) {
        const t = Math.imul(s1, 5)
        out[i] = low + scale * ((Math.imul((t << 7) | (t >>> 25), 9) >>> 0) >>> 8)
        const shifted = s1 << 9
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= shifted
        s3 = (s3 << 11) | (s3 >>> 21)
      }
      ;[a, b, c, d] = [s0, s1, s2, s3]
    },
    // Box–Muller; the second of each pair is kept.
    normal() {
      if (spare !== undefined) {
        const kept = spare
        spare = undefined
        return kept
      }
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()))
      const angle = 2 * Math.PI * uniform()
      spare = radius * Math.sin(angle)
      return radius * Math.cos(angle)
    },
    // Lemire's multiply-shift without rejection: bias below 2^-32 * n, far under what a draw of targets can show.
    below: (n) => Math.floor((uint32() / 0x100000000) * n),
    fork: (...more) => createRng(...parts, ...more),
  }
}
