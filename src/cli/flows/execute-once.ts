import { execute, type ExecuteOptions, type ExecuteResult } from '../../../workers/coordinator.js'
import { GauntletError } from '../../errors.js'
import { interruptible } from '../interrupt.js'
import type { Io } from '../io.js'
import { Progress } from '../progress.js'

/**
 * Runs tasks that no store keeps, with progress.
 * @param cells - what the tasks belong to, for the progress
 * @throws GNT_INTERRUPTED; what `execute` throws
 */
export async function executeOnce(
  options: Omit<ExecuteOptions, 'signal' | 'onStart' | 'onTask'>,
  cells: readonly { readonly id: string; readonly tasks: readonly unknown[] }[],
  io: Io,
  quiet: boolean,
): Promise<ExecuteResult> {
  const progress = new Progress(io, { quiet, title: false })
  progress.onRehearsal()
  const executed = await interruptible(io, (signal) =>
    execute({
      ...options,
      signal,
      onStart: () =>
        progress.onPlan({
          runId: '',
          resumed: false,
          total: cells.reduce((sum, { tasks }) => sum + tasks.length, 0),
          cached: 0,
          cells: new Map(cells.map(({ id, tasks }) => [id, tasks.length])),
        }),
      onTask: (task, state) => progress.onTask(task, state),
    }),
  ).finally(() => progress.end())
  if (executed.interrupted)
    throw new GauntletError('GNT_INTERRUPTED', {
      what: 'interrupted',
      fix: 'nothing was written; run it again',
    })
  return executed
}
