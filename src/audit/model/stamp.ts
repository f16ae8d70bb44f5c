import type { Trigger } from './types.js'

/**
 * A sample with the trigger on it, as the graph of the trigger's form makes it.
 * @param x - one sample; not modified
 */
export function stamp(
  trigger: Trigger,
  x: Float32Array,
  [low, high]: readonly [number, number],
): Float32Array {
  if (trigger.form === 'additive')
    return x.map((value, i) => Math.min(high, Math.max(low, value + trigger.delta[i]!)))
  const { mask, pattern } = trigger
  // One mask for all channels: they lie one after another.
  return x.map((value, i) => {
    const share = mask[i % mask.length]!
    return value + share * (pattern[i]! - value)
  })
}
