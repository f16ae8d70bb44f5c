import { describe, expect, it } from 'vitest'
import { createRng, type Rng } from '../../../src/util/rng.js'
import { leastStep } from '../../helpers/planes.js'

const size = 37
const bounds = [-0.5, 2] as const
const [low, high] = bounds

const dot = (a: ArrayLike<number>, b: Float32Array): number =>
  b.reduce((sum, value, i) => sum + value * a[i]!, 0)

/** A point in the box, a few of its values at a bound, and weights, a few of them 0 and a few equal. */
function caseOf(rng: Rng): { x: Float32Array; w: Float32Array } {
  const x = Float32Array.from({ length: size }, () => {
    const draw = rng.uniform()
    return draw < 0.1 ? low : draw > 0.9 ? high : low + (high - low) * rng.uniform()
  })
  const w = Float32Array.from({ length: size }, () => {
    const draw = rng.uniform()
    return draw < 0.1 ? 0 : draw < 0.3 ? 0.5 : draw < 0.4 ? -0.5 : rng.normal()
  })
  return { x, w }
}

const room = (x: number, direction: number): number => (direction > 0 ? high - x : x - low)

/** ‖δ‖ of the best δ, by bisection or by sorting. */
function leastNorm(norm: 'linf' | 'l2' | 'l1', x: Float32Array, w: Float32Array, need: number) {
  const signed = Array.from(w, (value) => (need < 0 ? -value : value))
  const caps = signed.map((value, i) => room(x[i]!, value))
  const wanted = Math.abs(need)
  if (norm === 'l1') {
    const order = [...signed.keys()].sort((a, b) => Math.abs(signed[b]!) - Math.abs(signed[a]!))
    let [missing, total] = [wanted, 0]
    for (const i of order) {
      if (signed[i] === 0) break
      const move = Math.min(caps[i]!, missing / Math.abs(signed[i]!))
      total += move
      missing -= move * Math.abs(signed[i]!)
    }
    return total
  }
  const at = (t: number): number[] =>
    signed.map((value, i) =>
      value === 0 ? 0 : Math.min(norm === 'linf' ? t : t * Math.abs(value), caps[i]!),
    )
  let [least, most] = [0, 1e6]
  for (let round = 0; round < 200; round++) {
    const t = (least + most) / 2
    const gain = at(t).reduce((sum, move, i) => sum + move * Math.abs(signed[i]!), 0)
    if (gain < wanted) least = t
    else most = t
  }
  const moves = at(most)
  return norm === 'linf' ? Math.max(...moves) : Math.hypot(...moves)
}

describe.each(['linf', 'l2', 'l1'] as const)('the step to a hyperplane, %s', (norm) => {
  it('reaches it within the box, by the least δ', () => {
    for (let seed = 0; seed < 200; seed++) {
      const rng = createRng('plane', seed)
      const { x, w } = caseOf(rng)
      const side = rng.uniform() < 0.5 ? -1 : 1
      const most = w.reduce((sum, value, i) => sum + Math.abs(value) * room(x[i]!, side * value), 0)
      const need = side * most * rng.uniform()
      const { out, length } = leastStep(norm, x, w, need, bounds)
      expect(dot(out, w)).toBeCloseTo(need, 5)
      out.forEach((move, i) => {
        expect(x[i]! + move).toBeGreaterThanOrEqual(low - 1e-6)
        expect(x[i]! + move).toBeLessThanOrEqual(high + 1e-6)
      })
      expect(length).toBeCloseTo(leastNorm(norm, x, w, need), 5)
    }
  })

  it('goes as far as it can where the box ends before it, and nowhere without a gradient', () => {
    const { x, w } = caseOf(createRng('far'))
    leastStep(norm, x, w, 1e9, bounds).out.forEach((move, i) => {
      if (w[i] !== 0) expect(move).toBeCloseTo(Math.sign(w[i]!) * room(x[i]!, w[i]!), 6)
    })
    expect(leastStep(norm, x, new Float32Array(size), 1, bounds).length).toBe(0)
    expect(leastStep(norm, x, w, 0, bounds).length).toBe(0)
  })
})
