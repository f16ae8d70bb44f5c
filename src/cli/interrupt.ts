import type { Io } from './io.js'

/**
 * Runs work that Ctrl-C (or SIGTERM) can end: the first one asks it to stop at its next step, a second ends the
 * process at once. What was finished is in the store either way.
 */
export async function interruptible<T>(
  io: Io,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(130)
    io.err('\nstopping at the next step (Ctrl-C again: at once)')
    controller.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  try {
    return await work(controller.signal)
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}
