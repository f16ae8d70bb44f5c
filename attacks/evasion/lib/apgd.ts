import type { AttackContext, FusedNorm, LossName, Sample } from '../../../src/plugin.js'
import { moves } from './apgd-moves.js'
import { projectL1Box } from './l1-box.js'

export interface ApgdOptions {
  readonly steps: number
  /** ρ: the share of steps of a window that must raise the loss, or the step size is halved. */
  readonly rho: number
  readonly loss: LossName
  readonly towards?: ((sample: Sample) => number) | undefined
}

/** What is remembered of a sample. */
interface Track {
  readonly previous: Float32Array
  readonly best: Float32Array
  readonly bestGradient: Float32Array
  bestLoss: number
  lastLoss: number
  stepSize: number
  /** Steps that raised the loss since the last checkpoint, and how things stood there. */
  rises: number
  before: { readonly bestLoss: number; readonly stepSize: number }
  /** L1: how many values a step changes, and how many the best point had changed at the last checkpoint. */
  count: number
  changed: number
}

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
  const delta = new Float64Array(context.sampleSize)
  context.start('clean')
  for (const [factor, part] of stages) {
    for (const { id, clean, point, rng } of context.samples) {
      const best = tracks?.get(id)?.best
      for (let i = 0; i < delta.length; i++) delta[i] = best ? best[i]! - clean[i]! : rng.normal()
      projectL1Box(delta, clean, factor * epsilon, bounds)
      for (let i = 0; i < delta.length; i++) point[i] = clean[i]! + delta[i]!
    }
    const steps = Math.max(1, Math.round(part * options.steps))
    const isWarm = tracks !== null
    tracks = await ascend(context, { ...options, norm, steps, epsilon: factor * epsilon, isWarm })
  }
}

interface Ascent extends ApgdOptions {
  readonly norm: FusedNorm
  readonly epsilon: number
  /** L1: the start is no random point, its number of changed values means something. */
  readonly isWarm?: boolean
}

async function ascend(context: AttackContext, options: Ascent): Promise<Map<number, Track>> {
  const { norm, epsilon, steps, loss, towards } = options
  const { bounds } = context.threat
  const within = epsilon > context.threat.epsilon ? 'bounds' : 'ball'
  const scratch = new Float64Array(norm === 'linf' ? 0 : context.sampleSize)
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
      const sizes = { epsilon, bounds, stepSize, count, share: step > 0 ? share : 1 }
      moves[norm]({ clean, point, previous, gradient, scratch, ...sizes })
    }
  }
  return tracks
}

/**
 * Steps at which the step size is looked at: w_j = ⌈p_j·N⌉ with p₀ = 0, p₁ = 0.22 and
 * p_{j+1} = p_j + max(p_j − p_{j−1} − 0.03, 0.06); in L1 every 4 %.
 */
function checkpoints(norm: FusedNorm, steps: number): number[] {
  if (norm === 'l1') {
    const every = Math.max(1, Math.floor(0.04 * steps))
    return Array.from({ length: Math.floor(steps / every) }, (_, j) => (j + 1) * every)
  }
  const marks = new Set<number>()
  let [before, part] = [0, 0.22]
  while (part < 1) {
    marks.add(Math.ceil(part * steps - 1e-9))
    ;[before, part] = [part, part + Math.max(part - before - 0.03, 0.06)]
  }
  return [...marks]
}

function trackOf(sample: Sample, { norm, epsilon, isWarm }: Ascent): Track {
  const { point, clean, gradient, loss } = sample
  const stepSize = norm === 'l1' ? epsilon : 2 * epsilon
  const changed = isWarm ? changes(point, clean) : point.length
  return {
    previous: point.slice(),
    best: point.slice(),
    bestGradient: gradient.slice(),
    bestLoss: loss,
    lastLoss: loss,
    stepSize,
    rises: 0,
    before: { bestLoss: loss, stepSize },
    count: isWarm ? Math.floor(changed / 1.5) : Math.floor(0.2 * point.length),
    changed,
  }
}

function follow(track: Track, { point, gradient, loss }: Sample): void {
  if (loss > track.lastLoss) track.rises++
  track.lastLoss = loss
  if (!(loss > track.bestLoss)) return
  track.bestLoss = loss
  track.best.set(point)
  track.bestGradient.set(gradient)
}

/** At a checkpoint. @returns whether the search goes back to the best point */
function adapt(
  track: Track,
  { clean }: Sample,
  { norm, epsilon, rho, width }: Ascent & { readonly width: number },
): boolean {
  if (norm === 'l1') {
    const changed = changes(track.best, clean)
    const isSparser = changed < 0.95 * track.changed
    track.stepSize = isSparser ? epsilon : Math.max(track.stepSize / 1.5, epsilon / 10)
    track.count = Math.floor(changed / 1.5)
    track.changed = changed
    return isSparser
  }
  const { bestLoss, stepSize, before } = track
  // Conditions 1 and 2 of the paper: too few steps rose; nothing was gained although the step size stayed.
  const isStuck =
    track.rises < rho * width || (before.stepSize === stepSize && before.bestLoss === bestLoss)
  track.before = { bestLoss, stepSize }
  track.rises = 0
  if (!isStuck) return false
  track.stepSize = stepSize / 2
  track.lastLoss = bestLoss
  return true
}

function changes(point: Float32Array, clean: Float32Array): number {
  let count = 0
  for (let i = 0; i < point.length; i++) if (point[i] !== clean[i]) count++
  return count
}
