import { maskShape, triggerDecay } from '../../step/trigger.js'
import { createRng } from '../../util/rng.js'
import { settling } from './settling.js'
import type { SearchSettings, SearchState } from './search.js'
import type { AuditSamples, FoundTrigger, SearchJob } from './types.js'

export interface PatchSettings {
  readonly batch: number
  readonly steps: number
  /** Share of samples that must be sent to the target. */
  readonly threshold: number
  /** Steps over which the share is taken, and after which λ is changed. */
  readonly window: number
  /** λ at first. */
  readonly penalty: number
  /** Factor on λ after windows above the threshold; below it 1 / factor^1.5. */
  readonly factor: number
  /** Windows without a smaller trigger, after which the search ends. */
  readonly patience: number
}

export const patchDefaults: PatchSettings = {
  batch: 32,
  steps: 300,
  threshold: 0.95,
  window: 5,
  penalty: 1e-3,
  factor: 1.5,
  patience: 16,
}

export function patchSearch(settings: PatchSettings): SearchSettings {
  return {
    batch: settings.batch,
    scalars: (step) => ({
      step_size: 0.1,
      first_bias: 1 - triggerDecay[0] ** (step + 1),
      second_bias: 1 - triggerDecay[1] ** (step + 1),
    }),
  }
}

/**
 * Neural Cleanse (Wang et al. 2019, section IV): λ grows while the trigger works and falls while it does not; the
 * smallest mask that worked is kept; the search ends early when it finds no smaller one.
 */
export function startPatch(
  job: SearchJob,
  { shape, bounds: [low, high] }: Pick<AuditSamples, 'shape' | 'bounds'>,
  settings: PatchSettings,
): SearchState {
  const rng = createRng('trigger', 'start', job.form, job.seed, job.target)
  const start = (dims: readonly number[]): Float32Array => {
    const size = dims.reduce((a, b) => a * b, 1)
    return Float32Array.from({ length: size }, () => Math.atanh((2 * rng.uniform() - 1) * 0.999))
  }
  const mask = start(maskShape(shape))
  const pattern = start(shape)
  const penalty = Float32Array.of(settings.penalty)
  const rows = {
    mask,
    'mask/first': new Float32Array(mask.length),
    'mask/second': new Float32Array(mask.length),
    pattern,
    'pattern/first': new Float32Array(pattern.length),
    'pattern/second': new Float32Array(pattern.length),
    penalty,
  }
  let best = { size: Infinity, mask, pattern }
  let [steps, sum, stale] = [0, 0, 0]
  const progress = settling(settings.steps)
  return {
    job,
    rows,
    observe({ success, size }) {
      steps++
      sum += success
      if (steps % settings.window === 0) {
        const works = sum / settings.window >= settings.threshold
        sum = 0
        stale++
        if (works && size < 0.99 * best.size) stale = 0
        if (works && size < best.size) best = { size, mask: mask.slice(), pattern: pattern.slice() }
        const { factor } = settings
        penalty[0]! *= works ? factor : factor ** -1.5
      }
      progress.observe(steps, best.size)
      const isStale = best.size < Infinity && stale >= settings.patience
      return Number.isFinite(size) && steps < settings.steps && !isStale
    },
    finish(): FoundTrigger {
      const shown = best.size < Infinity ? best : { mask, pattern }
      const covered = squashed(shown.mask)
      const isSound = covered.every(Number.isFinite)
      // A trigger that never worked is as large as the sample.
      const size = !isSound ? NaN : best.size < Infinity ? best.size : covered.length
      return {
        job,
        size,
        isSettled: progress.isSettled(),
        trigger: {
          form: 'patch',
          mask: covered,
          pattern: squashed(shown.pattern).map((value) => low + (high - low) * value),
        },
      }
    },
  }
}

/** Out of tanh space: to [0, 1]. */
const squashed = (values: Float32Array): Float32Array =>
  values.map((value) => (Math.tanh(value) + 1) / 2)
