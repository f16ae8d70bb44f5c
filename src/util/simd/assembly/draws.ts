import { bytes } from './lanes'

/** ln x for 0 < x ≤ 1: with x = 2ᵉ·m, √½ ≤ m < √2 and s = (m − 1)/(m + 1), e·ln 2 + 2·atanh s by its series to s⁹ / 9. */
function ln(x: v128): v128 {
  // Into the exponent goes what takes m's mantissa below that of √½, so that e and m come apart there.
  const half = i32x4.splat(0x3f3504f3)
  const from = i32x4.sub(x, half)
  const e = f32x4.convert_i32x4_s(i32x4.shr_s(from, 23))
  const m = i32x4.add(v128.and(from, i32x4.splat(0x007fffff)), half)
  const one = f32x4.splat(1)
  const s = f32x4.div(f32x4.sub(m, one), f32x4.add(m, one))
  const square = f32x4.mul(s, s)
  let sum = f32x4.splat(2.0 / 9)
  sum = f32x4.add(f32x4.mul(sum, square), f32x4.splat(2.0 / 7))
  sum = f32x4.add(f32x4.mul(sum, square), f32x4.splat(2.0 / 5))
  sum = f32x4.add(f32x4.mul(sum, square), f32x4.splat(2.0 / 3))
  sum = f32x4.add(f32x4.mul(sum, square), f32x4.splat(2))
  return f32x4.add(f32x4.mul(e, f32x4.splat(Math.LN2 as f32)), f32x4.mul(sum, s))
}

let s0: v128 = i32x4.splat(0)
let s1: v128 = i32x4.splat(0)
let s2: v128 = i32x4.splat(0)
let s3: v128 = i32x4.splat(0)

/** The next of four streams of xoshiro128** 1.1. Source: Blackman & Vigna 2021. */
function next(): v128 {
  const five = i32x4.add(i32x4.shl(s1, 2), s1)
  const turned = v128.or(i32x4.shl(five, 7), i32x4.shr_u(five, 25))
  const result = i32x4.add(i32x4.shl(turned, 3), turned)
  const shifted = i32x4.shl(s1, 9)
  s2 = v128.xor(s2, s0)
  s3 = v128.xor(s3, s1)
  s1 = v128.xor(s1, s2)
  s0 = v128.xor(s0, s3)
  s2 = v128.xor(s2, shifted)
  s3 = v128.or(i32x4.shl(s3, 11), i32x4.shr_u(s3, 21))
  return result
}

/** Uniform in (0, 1], 24 bits. */
function uniform(): v128 {
  const whole = i32x4.add(i32x4.shr_u(next(), 8), i32x4.splat(1))
  return f32x4.mul(f32x4.convert_i32x4_s(whole), f32x4.splat(1.0 / 16_777_216))
}

/**
 * Standard normal values by Box and Muller: √(−2 ln u)·(cos 2πv, sin 2πv), the angle taken into ±π/4 and both by their
 * series there. The four streams begin at `seeds`, 16 numbers of 32 bits.
 */
export function normals(seeds: usize, out: usize, n: i32): void {
  s0 = v128.load(seeds)
  s1 = v128.load(seeds + 16)
  s2 = v128.load(seeds + 32)
  s3 = v128.load(seeds + 48)
  const one = i32x4.splat(1)
  const minus = i32x4.splat(i32.MIN_VALUE)
  for (let i: usize = 0, end = bytes(n); i < end; i += 32) {
    const radius = f32x4.sqrt(f32x4.mul(f32x4.splat(-2), ln(uniform())))
    const turns = uniform()
    const quarter = f32x4.nearest(f32x4.mul(turns, f32x4.splat(4)))
    const rest = f32x4.sub(turns, f32x4.mul(quarter, f32x4.splat(0.25)))
    const angle = f32x4.mul(rest, f32x4.splat((2 * Math.PI) as f32))
    const square = f32x4.mul(angle, angle)
    let sine = f32x4.splat(1.0 / 362880)
    sine = f32x4.sub(f32x4.mul(sine, square), f32x4.splat(1.0 / 5040))
    sine = f32x4.add(f32x4.mul(sine, square), f32x4.splat(1.0 / 120))
    sine = f32x4.sub(f32x4.mul(sine, square), f32x4.splat(1.0 / 6))
    sine = f32x4.add(f32x4.mul(sine, square), f32x4.splat(1))
    sine = f32x4.mul(sine, angle)
    let cosine = f32x4.splat(1.0 / 40320)
    cosine = f32x4.sub(f32x4.mul(cosine, square), f32x4.splat(1.0 / 720))
    cosine = f32x4.add(f32x4.mul(cosine, square), f32x4.splat(1.0 / 24))
    cosine = f32x4.sub(f32x4.mul(cosine, square), f32x4.splat(0.5))
    cosine = f32x4.add(f32x4.mul(cosine, square), f32x4.splat(1))
    // By quarters: (c, s), (−s, c), (−c, −s), (s, −c).
    const q = i32x4.trunc_sat_f32x4_s(quarter)
    const isOdd = i32x4.eq(v128.and(q, one), one)
    const first = v128.bitselect(sine, cosine, isOdd)
    const second = v128.bitselect(cosine, sine, isOdd)
    const flipFirst = v128.and(i32x4.shl(i32x4.add(q, one), 30), minus)
    const flipSecond = v128.and(i32x4.shl(q, 30), minus)
    v128.store(out + i, f32x4.mul(radius, v128.xor(first, flipFirst)))
    if (i + 16 < end) v128.store(out + i + 16, f32x4.mul(radius, v128.xor(second, flipSecond)))
  }
}
