import { kernels, type AttackContext, type FusedNorm } from '../../../src/plugin.js'
import { factorsOf, inside, moves } from './apgd-moves.js'
import {
  adapt,
  checkpoints,
  follow,
  trackOf,
  type ApgdOptions,
  type Ascent,
  type Track,
} from './apgd-track.js'

/** α, except in the first step. */
const share = 0.75

/** In L1 the search comes from farther out: the radius in epsilons, and its share of the steps. */
const stages = [
  [3, 0.3],
  [2, 0.3],
  [1, 0.4],
] as const

/**
 * Auto-PGD from a random start, on every living sample.
 * Source: Croce & Hein 2020, arXiv:2003.01690, algorithm 1; L1: Croce & Hein 2021, arXiv:2103.01208, algorithm 2 and
 * section 3.3.
 */
export async function autoPgd(context: AttackContext, options: ApgdOptions): Promise<void> {
  const { norm, epsilon, bounds } = context.threat
  if (norm !== 'l1') {
    context.start('random')
    await ascend(context, { ...options, norm: norm as FusedNorm, epsilon })
    return
  }
  let tracks: ReadonlyMap<number, Track> | null = null
  const delta = new Float32Array(context.sampleSize)
  context.start('clean')
  for (const [factor, part] of stages) {
    for (const { id, clean, point, rng } of context.samples) {
      const best = tracks?.get(id)?.best
      for (let i = 0; i < delta.length; i++) delta[i] = best ? best[i]! - clean[i]! : rng.normal()
      kernels.projectL1(delta, clean, inside * factor * epsilon, bounds)
      for (let i = 0; i < delta.length; i++) point[i] = clean[i]! + delta[i]!
    }
    const steps = Math.max(1, Math.round(part * options.steps))
    tracks = await ascend(context, { ...options, norm, steps, epsilon: factor * epsilon })
  }
}

async function ascend(context: AttackContext, options: Ascent): Promise<Map<number, Track>> {
  const { norm, epsilon, steps, loss, towards } = options
  const { bounds } = context.threat
  const scale = factorsOf(context.scale)
  const within = epsilon > context.threat.epsilon ? 'bounds' : 'ball'
  const marks = checkpoints(norm, steps)
  const tracks = new Map<number, Track>()
  let mark = 0
  for (let step = 0; step < steps && context.living > 0; step++) {
    await context.gradient({ loss, towards, within })
    const width = step === marks[mark] ? step - (marks[mark - 1] ?? 0) : 0
    if (width > 0) mark++
    for (const sample of context.samples) {
      const track = tracks.get(sample.id) ?? trackOf(sample, options)
      tracks.set(sample.id, track)
      if (step > 0) follow(track, sample)
      const isBack = width > 0 && adapt(track, sample, { ...options, width })
      const { clean, point } = sample
      if (isBack) point.set(track.best)
      const gradient = isBack ? track.bestGradient : sample.gradient
      const { previous, stepSize, count } = track
      const sizes = { radius: epsilon, scale, bounds, stepSize, count, share: step > 0 ? share : 1 }
      moves[norm]({ clean, point, previous, gradient, ...sizes })
    }
  }
  return tracks
}
