import { z } from 'zod'
import { defineAttack, lossNames, type Sample } from '../../src/plugin.js'

/** Of each sample, which way each value was moved (0: not yet), and how many were. */
interface State {
  readonly moved: Int8Array
  count: number
}

/**
 * With the probabilities as outputs, as in the paper, the derivatives of all other classes sum to −∂p_t: the saliency of a pair
 * is the square of its derivative of p_t, and that of the cross-entropy is a multiple of it. One gradient a step is enough.
 * A derivative counts times the room up to the bound: for black and white pictures that is the paper's choice, and elsewhere
 * no step goes to a value that can hardly be moved.
 */
export const jsma = defineAttack({
  id: 'jsma',
  version: 1,
  title: 'Jacobian-based saliency map attack',
  source:
    'Papernot et al. 2016, arXiv:1511.07528, algorithms 2 and 3; untargeted and both ways: Wiyatno & Xu 2018, arXiv:1808.07945',
  atlas: 'AML.T0043.000',
  kind: 'minimum-norm',
  needs: ['gradient'],
  norms: ['l0'],
  goals: ['untargeted', 'targeted'],
  restarts: 1,
  params: z.object({
    theta: z
      .number()
      .positive()
      .max(1)
      .default(1)
      .describe('θ: how far a value is moved at once, as a part of the distance of the bounds'),
    gamma: z
      .number()
      .positive()
      .max(1)
      .default(0.145)
      .describe('Υ: most values changed, as a part of all'),
    valuesPerStep: z.int().min(1).max(1000).default(2).describe('values changed in one step'),
    direction: z
      .enum(['both', 'up', 'down'])
      .default('both')
      .describe('ways a value may be moved; the paper has one or the other'),
    loss: z
      .enum(lossNames)
      .default('ce')
      .describe('ce: saliency of the probabilities; margin: of the logits of two classes'),
  }),
  label: ({ theta }) => (theta === 1 ? 'JSMA' : `JSMA-${theta}`),
  async run(context, { theta, gamma, valuesPerStep, direction, loss }) {
    const { sampleSize: size } = context
    const [low, high] = context.threat.bounds
    const most = Math.floor(gamma * size)
    context.start('clean')
    const states = new Map(
      context.samples.map(({ id }): [number, State] => [
        id,
        { moved: new Int8Array(size), count: 0 },
      ]),
    )
    const step = { theta: theta * (high - low), low, high, direction }
    while (context.living > 0) {
      await context.gradient({ loss })
      context.leave((sample) => {
        if (sample.isFooled) return true
        const state = states.get(sample.id)!
        let hasMoved = false
        for (let k = 0; k < valuesPerStep; k++)
          hasMoved = moveOne(sample, state, most, step) || hasMoved
        return !hasMoved
      })
    }
  },
})

/**
 * Moves the value with the greatest gain in first order; once moved, a value goes on in the same way only.
 * @returns whether there was one
 */
function moveOne(
  { point, gradient }: Sample,
  state: State,
  most: number,
  { theta, low, high, direction }: { theta: number; low: number; high: number; direction: string },
): boolean {
  let [best, greatestGain] = [-1, 0]
  for (let i = 0; i < point.length; i++) {
    const slope = gradient[i]!
    const way = Math.sign(slope)
    if (way === 0 || (direction !== 'both' && way !== (direction === 'up' ? 1 : -1))) continue
    if (state.moved[i] === 0 ? state.count === most : state.moved[i] !== way) continue
    const gain = Math.abs(slope) * Math.min(theta, way > 0 ? high - point[i]! : point[i]! - low)
    if (gain > greatestGain) [best, greatestGain] = [i, gain]
  }
  if (best < 0) return false
  const way = Math.sign(gradient[best]!)
  point[best] = Math.min(Math.max(point[best]! + way * theta, low), high)
  if (state.moved[best] === 0) state.count++
  state.moved[best] = way
  return true
}
