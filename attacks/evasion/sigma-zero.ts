import { z } from 'zod'
import { defineAttack, kernels, type Sample } from '../../src/plugin.js'
import { Adam } from './lib/adam.js'
import { cosine } from './lib/cosine.js'

/** Of each sample, the optimiser and τ: smaller changes are set to 0. */
interface State {
  readonly adam: Adam
  threshold: number
}

export const sigmaZero = defineAttack({
  id: 'sigma-zero',
  version: 1,
  title: 'σ-zero',
  source:
    "Cinà et al. 2025, arXiv:2402.01879, algorithm 1; the step is Adam's, as in the authors' program",
  atlas: 'AML.T0043.000',
  kind: 'minimum-norm',
  needs: ['gradient'],
  norms: ['l0'],
  goals: ['untargeted', 'targeted'],
  restarts: 1,
  params: z.object({
    steps: z.int().min(1).max(100_000).default(1000).describe('gradient steps'),
    stepSize: z
      .number()
      .positive()
      .default(1)
      .describe(
        'η₀, where the bounds are 1 apart (otherwise that many times their distance); it falls to a tenth along a cosine',
      ),
    sigma: z
      .number()
      .positive()
      .default(1e-3)
      .describe('σ: how sharply Σ δ²/(δ² + σ) tells changed values from others'),
    threshold: z.number().min(0).max(1).default(0.3).describe('τ₀: smaller changes become 0'),
    thresholdStep: z
      .number()
      .min(0)
      .max(1)
      .default(0.01)
      .describe('t: by how much τ rises at an example and falls elsewhere, times the step size'),
  }),
  label: ({ steps }) => `σ-zero-${steps}`,
  async run(context, { steps, stepSize, sigma, threshold, thresholdStep }) {
    const { bounds } = context.threat
    const [low, high] = bounds
    const width = high - low
    context.start('clean')
    const states = new Map(
      context.samples.map(({ id }): [number, State] => [
        id,
        { adam: new Adam(context.sampleSize), threshold },
      ]),
    )
    const delta = new Float32Array(context.sampleSize)
    const slope = new Float32Array(context.sampleSize)
    for (let step = 0; step < steps && context.living > 0; step++) {
      await context.gradient({ loss: 'margin' })
      const size = cosine(stepSize, stepSize / 10, step, steps)
      for (const sample of context.samples) {
        const { id, clean, point, isFooled } = sample
        const state = states.get(id)!
        for (let i = 0; i < delta.length; i++) delta[i] = (point[i]! - clean[i]!) / width
        slopeOf(sample, delta, { sigma, width, slope })
        state.adam.descend(delta, slope, size)
        const change = (isFooled ? 1 : -1) * thresholdStep * size
        state.threshold = Math.min(Math.max(state.threshold + change, 0), 1)
        for (let i = 0; i < delta.length; i++) {
          const value = Math.min(Math.max(clean[i]! + width * delta[i]!, low), high)
          point[i] = Math.abs(value - clean[i]!) < state.threshold * width ? clean[i]! : value
        }
      }
    }
    if (context.living > 0) await context.score()
  },
})

/**
 * Of max(−margin, 0) + (1/d)·Σ δ²/(δ² + σ) by δ, scaled to a greatest value of 1: at an example only the second
 * part is left, and the attack undoes changes.
 */
function slopeOf(
  { loss, gradient }: Sample,
  delta: Float32Array,
  { sigma, width, slope }: { sigma: number; width: number; slope: Float32Array },
): void {
  const weight = loss < 0 ? width : 0
  for (let i = 0; i < delta.length; i++) {
    const d = delta[i]!
    const spread = d * d + sigma
    slope[i] = (2 * sigma * d) / (spread * spread * delta.length) - weight * gradient[i]!
  }
  const most = Math.max(kernels.greatest(slope), 1e-12)
  for (let i = 0; i < delta.length; i++) slope[i]! /= most
}
