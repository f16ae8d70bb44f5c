/**
 * `value` between `least` and `most`; of float32 values exactly, once the result is a float32 again. Without a branch:
 * where values go in a step of an attack is anyone's guess, and a wrong guess of the processor costs ten additions.
 */
export function clampTo(value: number, least: number, most: number): number {
  return 0.5 * (least + most + Math.abs(value - least) - Math.abs(value - most))
}

/** −1, 0 or 1, of a float32; without a branch, likewise. */
export function signOf(value: number): number {
  return value / (Math.abs(value) + 1e-300)
}
