import type { PoisonContext, Surrogate } from '../../../src/plugin.js'
import { gather } from './samples.js'
import { decayed, perturbation, reachOf } from './perturbation.js'

export interface Matching {
  readonly indices: readonly number[]
  /** What training shall learn: samples, and the labels the attacker wants for them. */
  readonly wanted: { readonly x: Float32Array; readonly labels: readonly number[] }
  readonly epsilon: number
  readonly steps: number
  readonly restarts: number
  readonly stepSize: number
  /** What the length of the gradient counts beside its direction; default 0. */
  readonly strength?: number
}

export interface Matched {
  /** (N, ...shape) */
  readonly x: Float32Array
  /** With the wanted gradient, the mean over the surrogates. */
  readonly cosine: number
}

/**
 * Perturbs samples so that the gradient of training on them points where the gradient of training on `wanted` does, under
 * all surrogates; the best of several random starts.
 * Source: Geiping et al. 2021, arXiv:2009.02276, algorithm 1.
 * @param from - (N, ...shape) samples to go on from; default: random starts
 */
export async function match(
  context: PoisonContext,
  surrogates: readonly Surrogate[],
  { indices, wanted, epsilon, steps, restarts, stepSize, strength = 0 }: Matching,
  from?: Float32Array,
): Promise<Matched> {
  const { train } = context
  const reach = reachOf(train, epsilon)
  const labels = indices.map((index) => train.labels[index]!)
  let best = { x: new Float32Array(0), loss: Infinity, cosine: 0 }
  for (let restart = 0; restart < (from ? 1 : restarts); restart++) {
    const start = from
      ? changes(context, indices, from)
      : randomStart(context, indices, reach, restart)
    const perturbed = perturbation(train, indices, reach, start)
    const { x } = perturbed
    for (let step = 0; step <= steps; step++) {
      context.checkpoint()
      const gradient = new Float32Array(x.length)
      let [loss, cosine] = [0, 0]
      for (const surrogate of surrogates) {
        const own = await surrogate.alignment({ x, labels }, wanted, strength)
        loss += own.loss / surrogates.length
        cosine += own.cosine / surrogates.length
        own.gradient.forEach((value, i) => (gradient[i]! += value))
      }
      if (loss < best.loss) best = { x: x.slice(), loss, cosine }
      if (step < steps) perturbed.descend(gradient, decayed(step, steps, stepSize))
    }
  }
  return best
}

function changes(
  { train }: PoisonContext,
  indices: readonly number[],
  x: Float32Array,
): Float32Array {
  const clean = gather(train, indices)
  return x.map((value, i) => value - clean[i]!)
}

function randomStart(
  { rng }: PoisonContext,
  indices: readonly number[],
  reach: Float32Array,
  restart: number,
): Float32Array {
  const stream = rng.fork('start', restart)
  return Float32Array.from(
    { length: indices.length * reach.length },
    (_, i) => reach[i % reach.length]! * (2 * stream.uniform() - 1),
  )
}
