import { blank, bytes, high, low, sumOf } from './lanes'
import { along, squareOf } from './values'

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

/**
 * Random bits from eight streams of xoshiro128** 1.1, which begin at `seeds`, 32 numbers of 32 bits; an even number of vectors.
 * Four streams at a time would wait for themselves.
 * Source: Blackman & Vigna 2021.
 */
function bits(seeds: usize, out: usize, n: i32): void {
  let s0 = v128.load(seeds)
  let s1 = v128.load(seeds + 16)
  let s2 = v128.load(seeds + 32)
  let s3 = v128.load(seeds + 48)
  let t0 = v128.load(seeds + 64)
  let t1 = v128.load(seeds + 80)
  let t2 = v128.load(seeds + 96)
  let t3 = v128.load(seeds + 112)
  for (let i: usize = 0, end = bytes(n); i < end; i += 32) {
    v128.store(out + i, scrambled(s1))
    const shifted = i32x4.shl(s1, 9)
    s2 = v128.xor(s2, s0)
    s3 = v128.xor(s3, s1)
    s1 = v128.xor(s1, s2)
    s0 = v128.xor(s0, s3)
    s2 = v128.xor(s2, shifted)
    s3 = turned(s3, 11)
    v128.store(out + i + 16, scrambled(t1))
    const other = i32x4.shl(t1, 9)
    t2 = v128.xor(t2, t0)
    t3 = v128.xor(t3, t1)
    t1 = v128.xor(t1, t2)
    t0 = v128.xor(t0, t3)
    t2 = v128.xor(t2, other)
    t3 = turned(t3, 11)
  }
}

function turned(value: v128, by: i32): v128 {
  return v128.or(i32x4.shl(value, by), i32x4.shr_u(value, 32 - by))
}

/** rotl(5·v, 7)·9 */
function scrambled(value: v128): v128 {
  const once = turned(i32x4.add(i32x4.shl(value, 2), value), 7)
  return i32x4.add(i32x4.shl(once, 3), once)
}

/** Uniform in (0, 1], 24 bits. */
function uniform(random: v128): v128 {
  const whole = i32x4.add(i32x4.shr_u(random, 8), i32x4.splat(1))
  return f32x4.mul(f32x4.convert_i32x4_s(whole), f32x4.splat(1.0 / 16_777_216))
}

/** Uniform between −1 and 1. */
function uniforms(seeds: usize, out: usize, n: i32): void {
  bits(seeds, out, n)
  for (let i: usize = 0, end = bytes(n); i < end; i += 16) {
    const twice = f32x4.mul(f32x4.splat(2), uniform(v128.load(out + i)))
    v128.store(out + i, f32x4.sub(twice, f32x4.splat(1)))
  }
}

/**
 * Standard normal values by Box and Muller: √(−2 ln u)·(cos 2πv, sin 2πv), the angle taken into ±π/4 and both by their
 * series there.
 */
export function normals(seeds: usize, out: usize, n: i32): void {
  bits(seeds, out, n)
  const one = i32x4.splat(1)
  const minus = i32x4.splat(i32.MIN_VALUE)
  for (let i: usize = 0, end = bytes(n); i < end; i += 32) {
    const radius = f32x4.sqrt(f32x4.mul(f32x4.splat(-2), ln(uniform(v128.load(out + i)))))
    // A turn has 2²⁴ parts; the nearest quarter, and what is left to either side of it.
    const turn = i32x4.shr_u(v128.load(out + i + 16), 8)
    const q = i32x4.shr_u(i32x4.add(turn, i32x4.splat(1 << 21)), 22)
    const rest = f32x4.convert_i32x4_s(i32x4.sub(turn, i32x4.shl(q, 22)))
    const angle = f32x4.mul(rest, f32x4.splat(((2 * Math.PI) / 16_777_216) as f32))
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
    const isOdd = i32x4.eq(v128.and(q, one), one)
    const first = v128.bitselect(sine, cosine, isOdd)
    const second = v128.bitselect(cosine, sine, isOdd)
    const flipFirst = v128.and(i32x4.shl(i32x4.add(q, one), 30), minus)
    const flipSecond = v128.and(i32x4.shl(q, 30), minus)
    v128.store(out + i, f32x4.mul(radius, v128.xor(first, flipFirst)))
    v128.store(out + i + 16, f32x4.mul(radius, v128.xor(second, flipSecond)))
  }
}

/**
 * probe ← example + reach·u, into the interval, u a random direction of length 1 in L2: normal draws, or uniform ones
 * (`isUniform`), over their length.
 */
export function probeNear(
  example: usize,
  probe: usize,
  n: i32,
  seeds: usize,
  reach: f64,
  least: f32,
  most: f32,
  isUniform: bool,
): void {
  if (isUniform) uniforms(seeds, probe, n)
  else normals(seeds, probe, n)
  blank(probe, n)
  const pace = <f32>(reach / max(sqrt(squareOf(probe, n)), 1e-30))
  along(example, probe, probe, n, pace, least, most)
}

/**
 * side ← d + step·‖d‖·s/‖s‖, d = example − clean and s random, normal, at right angles to d. @returns ‖d‖
 */
export function turnAside(
  example: usize,
  clean: usize,
  side: usize,
  n: i32,
  seeds: usize,
  step: f64,
): f64 {
  normals(seeds, side, n)
  blank(side, n)
  const end = bytes(n)
  let squares = f64x2.splat(0)
  let products = f64x2.splat(0)
  let lengths = f64x2.splat(0)
  for (let i: usize = 0; i < end; i += 16) {
    const d = f32x4.sub(v128.load(example + i), v128.load(clean + i))
    const s = v128.load(side + i)
    squares = f64x2.add(squares, f64x2.add(squareLow(d), squareHigh(d)))
    lengths = f64x2.add(lengths, f64x2.add(squareLow(s), squareHigh(s)))
    products = f64x2.add(products, f64x2.mul(low(d), low(s)))
    products = f64x2.add(products, f64x2.mul(high(d), high(s)))
  }
  const square = sumOf(squares)
  const share = square > 0 ? sumOf(products) / square : 0
  // ‖s − share·d‖²
  const rest = sumOf(lengths) - share * share * square
  const length = sqrt(square)
  // One value has no side to turn to: what is left of it is rounding.
  const pace = rest > 1e-9 * sumOf(lengths) ? (step * length) / sqrt(rest) : 0
  const own = f32x4.splat(<f32>(1 - pace * share))
  const aside = f32x4.splat(<f32>pace)
  for (let i: usize = 0; i < end; i += 16) {
    const d = f32x4.sub(v128.load(example + i), v128.load(clean + i))
    v128.store(side + i, f32x4.add(f32x4.mul(own, d), f32x4.mul(aside, v128.load(side + i))))
  }
  return length
}

function squareLow(value: v128): v128 {
  const pair = low(value)
  return f64x2.mul(pair, pair)
}

function squareHigh(value: v128): v128 {
  const pair = high(value)
  return f64x2.mul(pair, pair)
}
