/**
 * −1, 0 or 1, of a float32. Without a branch: where values go in a step of an attack is anyone's guess, and a wrong guess of
 * the processor costs ten additions.
 */
export function signOf(value: number): number {
  return value / (Math.abs(value) + 1e-300)
}
