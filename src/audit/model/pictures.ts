import type { TriggerPicture } from './result.js'
import { stamp } from './stamp.js'
import type { MeasuredTrigger } from './triggers.js'
import type { Parts } from './samples.js'
import type { AuditSamples } from './types.js'

/** Each trigger of one seed on the first sample of another class. */
export function triggerPictures(
  found: readonly MeasuredTrigger[],
  seed: number | undefined,
  samples: AuditSamples,
  { held }: Parts,
): TriggerPicture[] {
  const { x, count, shape, bounds } = samples
  const size = x.length / count
  return found
    .filter(({ job }) => job.seed === seed)
    .map(({ job: { target, form }, trigger }) => {
      const row = held[target]![0]!
      const clean = x.slice(row * size, (row + 1) * size)
      const isPatch = trigger.form === 'patch'
      return {
        label: target,
        form,
        shape,
        range: bounds,
        mask: isPatch ? trigger.mask : undefined,
        pattern: isPatch ? trigger.pattern : trigger.delta,
        clean,
        stamped: stamp(trigger, clean, bounds),
      }
    })
}
