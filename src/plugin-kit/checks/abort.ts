import { GauntletError } from '../../errors.js'
import { expectThat, flawOf } from '../flaw.js'
import type { Setting } from '../trial.js'
import type { SettingCheck } from './check.js'

/** Seconds from the wish to stop to the end, on a model that answers in less than a millisecond. */
const patience = 10

export const abortChecks: readonly SettingCheck[] = [
  {
    name: 'ends at the next call when it is told to stop',
    async run(setting) {
      // Before the attack begins, and after some of its calls.
      for (let allowed = 0; allowed <= 3; allowed++) await stopAfter(setting, allowed)
    },
  },
]

async function stopAfter(setting: Setting, allowed: number): Promise<void> {
  let asked = 0
  let since = Infinity
  const isCancelled = (): boolean => {
    // The wish comes after the last call that is still allowed: what follows is the attack's own time.
    if (asked === Math.max(allowed - 1, 0)) since = performance.now()
    return asked++ >= allowed
  }
  const error: unknown = await setting.attack({ isCancelled }).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  // It had ended by then.
  if (error === null && asked <= allowed) return
  const isInterrupted = error instanceof GauntletError && error.code === 'GNT_INTERRUPTED'
  expectThat(
    asked === allowed + 1 || !isInterrupted,
    () => `it catches the interruption and calls ${asked - allowed - 1} times more`,
  )
  expectThat(isInterrupted, () =>
    error === null ? 'it goes on to its end' : `it ends with ${flawOf(error)}`,
  )
  const seconds = (performance.now() - since) / 1000
  expectThat(seconds < patience, () => `it takes ${seconds.toFixed(1)} s to end`)
}
