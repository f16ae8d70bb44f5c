import type { Graph } from '../graph/ir.js'
import type { Norm } from '../threat/threat-model.js'
import { createRng } from '../util/rng.js'
import { linear } from './networks.js'

/**
 * A linear model of five classes whose least epsilon is known in every norm. The score of class 0 is constant; each other
 * class has every fourth value of the sample to itself, with weights of the same sizes: reaching one of them moves no other.
 */
const others = 4
const width = 36
export const linearShape = [1, 12, 12] as const
const size = others * width
export const linearClasses = others + 1
/** The scores of classes 1 to 4 on every sample of class 0: class 1 is nearest by far. */
const offsets = [-3, -10, -40, -40]
/** The class that a targeted attack is sent to: not the nearest, or an attack that ignores its target would find it. */
export const linearTarget = 2

const draw = createRng('known-answer')
const sizes = Array.from({ length: width }, (_, j) => 1 + (2 * j) / (width - 1))

/**
 * Room for the values of a sample. In L1 it is wide enough for one value to do all: clipping after the projection, as most
 * attacks do it, is not the projection onto ball and bounds together.
 */
export const linearBounds = (norm: Norm): readonly [number, number] =>
  norm === 'l1' ? [-10, 10] : [0, 1]

/** By value of the sample: its weight in the score of its class. */
const weights: readonly number[] = (() => {
  const found = Array.from({ length: size }, () => 0)
  for (let k = 0; k < others; k++) {
    const order = sizes.map((value) => ({ value, at: draw.uniform() }))
    order.sort((a, b) => a.at - b.at)
    order.forEach(({ value }, j) => (found[j * others + k] = draw.uniform() < 0.5 ? -value : value))
  }
  return found
})()

const classOf = (i: number): number => 1 + (i % others)
const placesOf = (k: number): number[] =>
  Array.from({ length: width }, (_, j) => j * others + k - 1)

export function linearGraph(): Graph {
  const matrix = weights.flatMap((weight, i) =>
    Array.from({ length: linearClasses }, (_, k) => (k === classOf(i) ? weight : 0)),
  )
  const bias = offsets.map(
    (offset, k) => offset - placesOf(k + 1).reduce((sum, i) => sum + weights[i]! * 0.5, 0),
  )
  return linear(linearShape, matrix, [0, ...bias])
}

export interface KnownSample {
  readonly x: Float32Array
  /** 0 or 1. */
  readonly label: number
}

/** Samples around the middle of [0, 1], whose scores are those of `offsets`; of label 1 with +3 for class 1. */
export function linearSamples(count: number, labels: readonly number[]): KnownSample[] {
  const rng = createRng('known-answer', 'samples')
  const square = sizes.reduce((sum, value) => sum + value * value, 0)
  return Array.from({ length: count }, (_, n) => {
    const label = labels[n % labels.length]!
    const z = Array.from({ length: size }, () => 0.1 * rng.uniform() - 0.05)
    for (let k = 1; k <= others; k++) {
      const places = placesOf(k)
      const score = places.reduce((sum, i) => sum + weights[i]! * z[i]!, 0)
      const wanted = k === label ? -2 * offsets[k - 1]! : 0
      for (const i of places) z[i]! += ((wanted - score) * weights[i]!) / square
    }
    return { x: Float32Array.from(z, (value) => 0.5 + value), label }
  })
}

/** The least epsilon at which the sample can leave its class, or reach `target`, within the bounds. */
export function leastEpsilon(norm: Norm, { x, label }: KnownSample, target: number | null): number {
  const [low, high] = linearBounds(norm)
  const isLeaving = label !== 0
  const moved = isLeaving ? label : (target ?? 1)
  const gap = Math.abs(offsets[moved - 1]!)
  const values = placesOf(moved).map((i) => {
    const up = weights[i]! > 0 !== isLeaving
    return { weight: Math.abs(weights[i]!), room: up ? high - x[i]! : x[i]! - low }
  })
  // L∞ and L2: no value comes near its bound; sizes are such that none can.
  if (norm === 'linf') return gap / values.reduce((sum, { weight }) => sum + weight, 0)
  if (norm === 'l2') return gap / Math.hypot(...values.map(({ weight }) => weight))
  const gain = ({ weight, room }: (typeof values)[number]): number => weight * room
  values.sort((a, b) => (norm === 'l0' ? gain(b) - gain(a) : b.weight - a.weight))
  let [left, spent] = [gap, 0]
  for (const value of values) {
    if (norm === 'l1' && gain(value) >= left) return spent + left / value.weight
    left -= gain(value)
    spent += norm === 'l0' ? 1 : value.room
    if (left <= 0) return spent
  }
  return Infinity
}
