import { GauntletError } from '../errors.js'
import type { TrialTask } from '../plan/trial.js'
import { budgetOf } from '../poison/budget.js'
import { checkProgram } from '../poison/command-line.js'
import { digestJson } from '../util/hash.js'
import { openNetwork } from './network.js'
import { openWorkbench, type Workbench, type Workshop } from './workbench.js'

/** Samples that a rehearsed training sees. */
const rehearsed = 4

/**
 * Tries a trial out: opens the model, holds data and labels against it, works out the budget, and trains a step on a few
 * samples. A command is not run, but its program must be there.
 *
 * @throws GauntletError as `runTrial` would, as far as that can be told in seconds
 */
export async function rehearseTrial(
  task: TrialTask,
  shop: Workshop,
  signal: AbortSignal,
): Promise<void> {
  const { training, source, target, rate } = task
  const bench = await openWorkbench(task, shop, signal)
  const { train, plugin } = bench
  budgetOf({ plugin, train, source, target, rate })
  await checkModel(task, bench)
  if (training.kind === 'command') {
    if (typeof training.command !== 'string') checkProgram(training.command[0]!, training.cwd)
    return
  }
  const known = digestJson([task.model, training])
  if (shop.rehearsed.has(known)) return
  const size = train.x.length / train.count
  const count = Math.min(rehearsed, train.count)
  const few = { x: train.x.slice(0, count * size), labels: train.labels.slice(0, count) }
  const once = { ...training, epochs: 1, batch: count }
  const trial = await openWorkbench({ ...task, training: once }, shop, signal)
  await trial.learner(few, { seed: task.seed, signal })
  shop.rehearsed.add(known)
}

/** @throws GNT_DATA_SHAPE; GNT_DATA_VALUES for labels that are no class of the model */
async function checkModel({ model, batch }: TrialTask, bench: Workbench): Promise<void> {
  const { train, test, input, session, graph } = bench
  const network = await openNetwork(graph, input, { batch, session })
  const { classes } = network
  await network.close()
  for (const { labels } of [train, test]) {
    const wrong = labels.find((label) => label >= classes)
    if (wrong === undefined) continue
    throw new GauntletError('GNT_DATA_VALUES', {
      what: 'a label is outside the classes of the model',
      where: model.path,
      got: String(wrong),
      expected: `0 to ${classes - 1}`,
      fix: 'check that data set and model belong together',
    })
  }
}
