import { z } from 'zod'
import { defineAttack, kernels, type Sample } from '../../src/plugin.js'
import { ConstantSearch } from './lib/constant-search.js'

interface State {
  readonly search: ConstantSearch
  /** x⁽ᵏ⁾; the sample's point is y⁽ᵏ⁾. */
  readonly x: Float32Array
}

/**
 * Minimises ‖δ‖₂² + β‖δ‖₁ + c·max(κ − margin, 0) by FISTA, in units in which the bounds are 1 apart, and keeps the example
 * that is closest in L1 (the paper's L1 rule). Examples are looked for among the points y where the gradient is taken, which x
 * and y share in the limit: looking at x as well would cost a second query a step.
 */
export const ead = defineAttack({
  id: 'ead',
  version: 1,
  title: 'Elastic-net attack',
  source: 'Chen et al. 2018, arXiv:1709.04114, algorithm 1, L1 decision rule',
  atlas: 'AML.T0043.000',
  kind: 'minimum-norm',
  needs: ['gradient'],
  norms: ['l1'],
  goals: ['untargeted', 'targeted'],
  restarts: 1,
  params: z.object({
    steps: z.int().min(1).max(1_000_000).default(1000).describe('most gradient steps of a run'),
    stepSize: z
      .number()
      .positive()
      .default(0.01)
      .describe('α₀; it falls to 0 with the square root of the steps that are left'),
    beta: z.number().min(0).default(1e-2).describe('β: weight of the L1 norm'),
    confidence: z.number().min(0).default(0).describe('κ: by how much the logits must differ'),
    firstConstant: z.number().positive().default(1e-3).describe('c of the first run'),
    runs: z.int().min(1).max(100).default(9).describe('constants tried (binary search)'),
    abortEarly: z
      .boolean()
      .default(true)
      .describe('end a run when the objective has not fallen for three tenths of its steps'),
  }),
  label: () => 'EAD',
  async run(context, { stepSize, beta, confidence, firstConstant, abortEarly, ...rest }) {
    const [low, high] = context.threat.bounds
    context.start('clean')
    const states = new Map<number, State>()
    for (const { id, clean } of context.samples)
      states.set(id, {
        // FISTA swings: closer examples turn up while the objective stands still.
        search: new ConstantSearch({
          first: firstConstant,
          patience: abortEarly ? 3 : Infinity,
          ...rest,
        }),
        x: clean.slice(),
      })
    const isConfident = ({ loss }: Sample): boolean => loss >= confidence
    while (context.living > 0) {
      await context.gradient({ loss: 'margin', keep: isConfident })
      context.leave((sample) => {
        const { search, x } = states.get(sample.id)!
        const { constant, step } = search
        const shortfall = Math.max(confidence - sample.loss, 0)
        const distance = kernels.elasticNet(sample.point, sample.clean, { width: high - low, beta })
        const objective = distance + constant * shortfall
        const next = search.next(sample.isFooled && isConfident(sample), objective, distance)
        if (next === 'end') return true
        if (next === 'step')
          descend(sample, x, {
            stepSize: stepSize * Math.sqrt(1 - step / rest.steps),
            weight: shortfall > 0 ? constant : 0,
            momentum: step / (step + 3),
            beta,
            bounds: [low, high],
          })
        else {
          x.set(sample.clean)
          sample.point.set(sample.clean)
        }
        return false
      })
    }
  },
})

interface Descent {
  readonly stepSize: number
  /** Of −margin in the objective. */
  readonly weight: number
  readonly momentum: number
  readonly beta: number
  readonly bounds: readonly [number, number]
}

/** x⁽ᵏ⁺¹⁾ = S_β(y⁽ᵏ⁾ − α∇g(y⁽ᵏ⁾)), and y⁽ᵏ⁺¹⁾ a little beyond it. */
function descend(
  { clean, point, gradient }: Sample,
  x: Float32Array,
  { stepSize, weight, momentum, beta, bounds: [low, high] }: Descent,
): void {
  const width = high - low
  const numbers = { step: stepSize, pull: weight * width * width, theta: beta * width, momentum }
  kernels.shrinkStep(point, x, { clean, gradient }, numbers, [low, high])
}
