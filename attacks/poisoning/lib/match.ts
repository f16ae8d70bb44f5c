import type { PoisonContext, Surrogate } from '../../../src/plugin.js'
import { decayed, perturbation, reachOf } from './perturbation.js'

export interface Matching {
  readonly indices: readonly number[]
  /** What training shall learn: samples, and the labels the attacker wants for them. */
  readonly wanted: { readonly x: Float32Array; readonly labels: readonly number[] }
  readonly epsilon: number
  readonly steps: number
  readonly restarts: number
  readonly stepSize: number
}

/**
 * Perturbs samples so that the gradient of training on them points where the gradient of training on `wanted` does; the
 * best of several random starts.
 * Source: Geiping et al. 2021, arXiv:2009.02276, algorithm 1.
 * @returns (N, ...shape), and the loss of eq. 3 it ended with
 */
export async function match(
  context: PoisonContext,
  surrogate: Surrogate,
  { indices, wanted, epsilon, steps, restarts, stepSize }: Matching,
): Promise<{ readonly x: Float32Array; readonly loss: number }> {
  const { train, rng } = context
  const reach = reachOf(train, epsilon)
  const labels = indices.map((index) => train.labels[index]!)
  let best = { x: new Float32Array(0), loss: Infinity }
  for (let restart = 0; restart < restarts; restart++) {
    const stream = rng.fork('start', restart)
    const start = Float32Array.from(
      { length: indices.length * reach.length },
      (_, i) => reach[i % reach.length]! * (2 * stream.uniform() - 1),
    )
    const perturbed = perturbation(train, indices, reach, start)
    const { x } = perturbed
    for (let step = 0; step <= steps; step++) {
      context.checkpoint()
      const { loss, gradient } = await surrogate.alignment({ x, labels }, wanted)
      if (loss < best.loss) best = { x: x.slice(), loss }
      if (step < steps) perturbed.descend(gradient, decayed(step, steps, stepSize))
    }
  }
  return best
}
