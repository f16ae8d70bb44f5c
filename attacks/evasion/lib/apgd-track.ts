import type { FusedNorm, LossName, Sample } from '../../../src/plugin.js'

export interface ApgdOptions {
  readonly steps: number
  /** ρ: the share of steps of a window that must raise the loss, or the step size is halved. */
  readonly rho: number
  readonly loss: LossName
  readonly towards?: ((sample: Sample) => number) | undefined
}

/** One run of the algorithm at one radius. */
export interface Ascent extends ApgdOptions {
  readonly norm: FusedNorm
  readonly epsilon: number
}

/** What is remembered of a sample. */
export interface Track {
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

/**
 * Steps at which the step size is looked at: w_j = ⌈p_j·N⌉ with p₀ = 0, p₁ = 0.22 and
 * p_{j+1} = p_j + max(p_j − p_{j−1} − 0.03, 0.06); in L1 every 4 %.
 */
export function checkpoints(norm: FusedNorm, steps: number): number[] {
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

export function trackOf(sample: Sample, { norm, epsilon }: Ascent): Track {
  const { point, clean, gradient, loss } = sample
  const stepSize = norm === 'l1' ? epsilon : 2 * epsilon
  const changed = changes(point, clean)
  return {
    previous: point.slice(),
    best: point.slice(),
    bestGradient: gradient.slice(),
    bestLoss: loss,
    lastLoss: loss,
    stepSize,
    rises: 0,
    before: { bestLoss: loss, stepSize },
    count: Math.floor(changed / 1.5),
    changed,
  }
}

export function follow(track: Track, { point, gradient, loss }: Sample): void {
  if (loss > track.lastLoss) track.rises++
  track.lastLoss = loss
  if (!(loss > track.bestLoss)) return
  track.bestLoss = loss
  track.best.set(point)
  track.bestGradient.set(gradient)
}

/** At a checkpoint. @returns whether the search goes back to the best point */
export function adapt(
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
