import { GauntletError } from '../../errors.js'
import { createRng } from '../../util/rng.js'
import { expectThat, flawOf } from '../flaw.js'
import type { SettingCheck } from './check.js'

/** Seconds from the wish to stop to the end, on a model that answers in less than a millisecond. */
const patience = 10

export const abortChecks: readonly SettingCheck[] = [
  {
    name: 'ends at the next call when it is told to stop',
    async run(setting) {
      const allowed = Math.floor(createRng('cancel', setting.norm).uniform() * 3)
      let asked = 0
      let since = Infinity
      const isCancelled = (): boolean => {
        // The wish comes after the last call that is still allowed: what follows is the attack's own time.
        if (asked === allowed) since = Math.min(since, performance.now())
        return asked++ >= allowed
      }
      const error: unknown = await setting.attack({ isCancelled }).then(
        () => null,
        (thrown: unknown) => thrown,
      )
      const isInterrupted = error instanceof GauntletError && error.code === 'GNT_INTERRUPTED'
      expectThat(
        isInterrupted && error.exitCode === 130,
        () => (error === null ? 'it goes on to its end' : `it ends with ${flawOf(error)}`),
      )
      expectThat(
        asked === allowed + 1,
        () => `it catches the interruption and calls ${asked - allowed - 1} times more`,
      )
      const seconds = (performance.now() - since) / 1000
      expectThat(seconds < patience, () => `it takes ${seconds.toFixed(1)} s to end`)
    },
  },
]
