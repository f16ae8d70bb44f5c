/** A trigger that became smaller by more than this in the last fifth of its search would have gone on to do so. */
const most = 0.1

/** Whether a size has settled at the end of a search of at most `steps` steps. */
export function settling(steps: number): {
  /** @param size - the least one so far; Infinity before there is one */
  observe(step: number, size: number): void
  isSettled(): boolean
} {
  let [before, last] = [Infinity, Infinity]
  return {
    observe(step, size) {
      if (step <= 0.8 * steps) before = size
      last = size
    },
    isSettled: () => last >= (1 - most) * before || last === Infinity,
  }
}
