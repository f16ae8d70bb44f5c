import { settling } from './settling.js'
import type { SearchSettings, SearchState } from './search.js'
import type { AuditSamples, FoundTrigger, SearchJob } from './types.js'

export interface AdditiveSettings {
  readonly batch: number
  readonly steps: number
  /** Share of samples that must be sent to the target. */
  readonly threshold: number
  /** Steps over which the share is taken. */
  readonly window: number
  /** Radius at first, as a share of the longest one. */
  readonly radius: number
  /** Share by which the radius shrinks or grows, at first and at the end. */
  readonly rates: readonly [number, number]
  /** Length of a step as a share of the radius, at first and at the end. */
  readonly stepSizes: readonly [number, number]
}

export const additiveDefaults: AdditiveSettings = {
  batch: 32,
  steps: 200,
  threshold: 0.9,
  window: 5,
  radius: 0.15,
  rates: [0.08, 0.01],
  stepSizes: [0.5, 0.05],
}

export function additiveSearch(settings: AdditiveSettings): SearchSettings {
  return {
    batch: settings.batch,
    scalars: (step) => ({ step_size: between(settings.stepSizes, step / settings.steps) }),
  }
}

/**
 * The least universal perturbation: the radius shrinks while it works and grows while it does not, ever slower (Rony
 * et al. 2019, arXiv:1811.09600, algorithm 1, for one perturbation of all samples).
 */
export function startAdditive(
  job: SearchJob,
  { shape, bounds: [low, high] }: Pick<AuditSamples, 'shape' | 'bounds'>,
  settings: AdditiveSettings,
): SearchState {
  const values = shape.reduce((a, b) => a * b, 1)
  const longest = (high - low) * Math.sqrt(values)
  const delta = new Float32Array(values)
  const radius = Float32Array.of(settings.radius * longest)
  const recent: number[] = []
  let best = { size: Infinity, delta }
  let steps = 0
  const progress = settling(settings.steps)
  return {
    job,
    rows: { delta, radius },
    observe({ success, size }) {
      recent.push(success)
      if (recent.length > settings.window) recent.shift()
      const works = success >= settings.threshold
      const mean = recent.reduce((a, b) => a + b, 0) / recent.length
      if (recent.length === settings.window && mean >= settings.threshold && size < best.size)
        best = { size, delta: delta.slice() }
      const rate = between(settings.rates, steps / settings.steps)
      radius[0] = Math.min(longest, radius[0]! * (works ? 1 - rate : 1 + rate))
      steps++
      progress.observe(steps, best.size)
      return Number.isFinite(size) && steps < settings.steps
    },
    finish(): FoundTrigger {
      const isSound = delta.every(Number.isFinite)
      const size = !isSound ? NaN : best.size < Infinity ? best.size : longest
      return {
        job,
        size,
        isSettled: progress.isSettled(),
        trigger: { form: 'additive', delta: best.delta },
      }
    },
  }
}

/** From the first to the second, evenly in the logarithm. */
const between = ([from, to]: readonly [number, number], share: number): number =>
  from * (to / from) ** share
