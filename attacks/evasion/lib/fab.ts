import { kernels, type AttackContext, type Sample } from '../../../src/plugin.js'
import { planeScratch, stepToPlane } from './hyperplane.js'
import { marginOf } from './margin.js'
import { dualLength } from './length.js'

export interface FabOptions {
  readonly steps: number
  /** α_max: the most that a step leans towards the clean sample. */
  readonly alphaMax: number
  /** η: how far beyond the border a step goes. */
  readonly overshoot: number
  /** β: how much of the way stays when an adversarial point is drawn back to the clean sample. */
  readonly backward: number
}

/** The nearest linearised border of a sample: f = z_s − z_y and its gradient; of one class alone, as the host holds it. */
interface Border {
  ratio: number
  gap: number
  gradient: Float32Array
}

/** Who says which class a call looks at. */
export type Towards = (sample: Sample) => number

/**
 * One run from the current points: each step goes to the nearest of the linearised borders to the given classes, leaning
 * towards where that border is nearest to the clean sample; adversarial points are drawn back. The host keeps the closest.
 * Source: Croce & Hein 2020, arXiv:1907.02044, algorithm 1 without restarts and final search.
 */
export async function walkBorder(
  context: AttackContext,
  options: FabOptions,
  classes: readonly Towards[],
): Promise<void> {
  const { threat, sampleSize } = context
  const borders = new Map<number, Border>()
  const advance = threat.norm === 'l1' ? sparseSteps(sampleSize) : kernels.stepToBorder
  for (let step = 0; step < options.steps && context.living > 0; step++) {
    for (const border of borders.values()) border.ratio = Infinity
    for (const towards of classes) {
      await context.gradient({ loss: 'difference', towards })
      const isOnly = classes.length === 1
      for (const sample of context.samples) keepNearest(borders, sample, threat.norm, isOnly)
    }
    for (const { id, point, clean } of context.samples) {
      const { ratio, gap, gradient } = borders.get(id)!
      if (ratio === Infinity) continue
      const border = { clean, w: gradient, gap, isLinf: threat.norm === 'linf' }
      advance(point, { ...border, bounds: threat.bounds }, options)
    }
    await context.score()
    const { backward } = options
    for (const { isFooled, point, clean } of context.samples)
      if (isFooled) kernels.lean(point, clean, backward, threat.bounds)
  }
}

/** The step of `stepToBorder` in L1, where few values move. */
function sparseSteps(size: number): typeof kernels.stepToBorder {
  const scratch = planeScratch(size)
  const [fromPoint, fromClean] = [new Float64Array(size), new Float64Array(size)]
  return (point, { clean, w, gap, bounds }, { alphaMax, overshoot }) => {
    const plane = { w, bounds, scratch }
    const a = stepToPlane({ ...plane, x: point }, -gap, fromPoint)
    const b = stepToPlane({ ...plane, x: clean }, -(gap + gainOf(w, point, clean)), fromClean)
    const alpha = a + b > 0 ? Math.min(a / (a + b), alphaMax) : 0
    for (let i = 0; i < point.length; i++) {
      const ahead = point[i]! + overshoot * fromPoint[i]!
      point[i] = (1 - alpha) * ahead + alpha * (clean[i]! + overshoot * fromClean[i]!)
    }
  }
}

/** w·(to − from), in two sums side by side: in one, each addition would wait for the last. */
function gainOf(w: Float32Array, from: Float32Array, to: Float32Array): number {
  let [even, odd] = [0, 0]
  for (let i = 1; i < w.length; i += 2) {
    even += w[i - 1]! * (to[i - 1]! - from[i - 1]!)
    odd += w[i]! * (to[i]! - from[i]!)
  }
  const last = w.length - 1
  if (last % 2 === 0) even += w[last]! * (to[last]! - from[last]!)
  return even + odd
}

function keepNearest(
  borders: Map<number, Border>,
  { id, loss, gradient }: Sample,
  norm: AttackContext['threat']['norm'],
  isOnly: boolean,
): void {
  let border = borders.get(id)
  if (!border) {
    const kept = isOnly ? gradient : new Float32Array(gradient.length)
    border = { ratio: Infinity, gap: 0, gradient: kept }
    borders.set(id, border)
  }
  const length = dualLength(norm, gradient)
  const ratio = length > 0 ? Math.abs(loss) / length : Infinity
  if (!(ratio < border.ratio)) return
  border.ratio = ratio
  border.gap = loss
  if (isOnly) border.gradient = gradient
  else border.gradient.set(gradient)
}

/** Puts each point at a random place, half as far from the clean sample as the closest example, or epsilon, is. */
export function startHalfway({ samples, threat }: AttackContext): void {
  for (const { point, clean, rng, closest } of samples) {
    const draw = Float64Array.from(clean, () =>
      threat.norm === 'linf' ? 2 * rng.uniform() - 1 : rng.normal(),
    )
    let [sum, squares, most] = [0, 0, 0]
    for (const value of draw) {
      sum += Math.abs(value)
      squares += value * value
      most = Math.max(most, Math.abs(value))
    }
    const length = threat.norm === 'linf' ? most : threat.norm === 'l2' ? Math.sqrt(squares) : sum
    const radius = Math.min(closest?.distance ?? Infinity, threat.epsilon) / 2
    for (let i = 0; i < point.length; i++) point[i] = clean[i]! + (radius * draw[i]!) / length
  }
}

/**
 * Draws the closest examples onto the border: on the way to the clean sample the margin is nearly linear, so three steps
 * of the secant method are enough.
 * Source: Croce & Hein 2020, arXiv:1907.02044, "final search", eq. 9.
 */
export async function searchBorder(context: AttackContext): Promise<void> {
  /** Shares of the way from the clean sample to the example, and the margins there: one side each of the border. */
  const brackets = new Map<number, { far: Float32Array; inner: End; outer: End }>()
  context.start('clean')
  await context.score()
  const inner = new Map(context.samples.map((sample) => [sample.id, marginOf(sample)]))
  for (const { point, closest } of context.samples) if (closest) point.set(closest.point)
  await context.score()
  for (const sample of context.samples) {
    const { id, point, closest } = sample
    if (!closest || !sample.isFooled) continue
    const ends = {
      inner: { at: 0, margin: inner.get(id)! },
      outer: { at: 1, margin: marginOf(sample) },
    }
    brackets.set(id, { far: point.slice(), ...ends })
  }
  for (let round = 0; round < 3 && context.living > 0; round++) {
    const tried = new Map<number, number>()
    for (const { id, point, clean } of context.samples) {
      const bracket = brackets.get(id)
      if (!bracket) continue
      const { far, inner: low, outer: high } = bracket
      const at = high.at - ((high.at - low.at) * high.margin) / (high.margin - low.margin)
      tried.set(id, at)
      for (let i = 0; i < point.length; i++) point[i] = clean[i]! + at * (far[i]! - clean[i]!)
    }
    await context.score()
    for (const sample of context.samples) {
      const bracket = brackets.get(sample.id)
      if (!bracket) continue
      const end = { at: tried.get(sample.id)!, margin: marginOf(sample) }
      if (sample.isFooled) bracket.outer = end
      else bracket.inner = end
    }
  }
}

interface End {
  readonly at: number
  readonly margin: number
}
