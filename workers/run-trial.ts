import { builtInPoisons } from '../attacks/poisoning/index.js'
import { builtInDetectors } from '../src/audit/data/index.js'
import { DetectorRegistry } from '../src/audit/data/registry.js'
import type { Dataset } from '../src/data/dataset.js'
import { GauntletError } from '../src/errors.js'
import { Controls } from '../src/pipeline/controls.js'
import { rehearseTrial } from '../src/pipeline/rehearse.js'
import { labelledOf } from '../src/pipeline/samples.js'
import { runTrial } from '../src/pipeline/trial.js'
import type { Workshop } from '../src/pipeline/workbench.js'
import type { TrialResult, TrialTask } from '../src/plan/trial.js'
import { PoisonRegistry } from '../src/poison/registry.js'
import type { PoisonPlugin } from '../src/poison/types.js'
import { located } from '../src/util/located.js'

export interface TrialSettings {
  /** Those of third parties. */
  readonly poisons: readonly PoisonPlugin[]
  /** Execution provider of ONNX Runtime. */
  readonly device: string
  /** Asked between steps. */
  readonly isCancelled: () => boolean
}

/** Between two looks at whether a trial is cancelled. */
const lookMs = 50

/** Runs trials in one thread: keeps the data, and the latest trainings on the clean ones. */
export class TrialRunner {
  readonly #shop: Workshop
  readonly #isCancelled: () => boolean

  constructor(train: Dataset, test: Dataset, { poisons, device, isCancelled }: TrialSettings) {
    const classes = Math.max(train.classes, test.classes)
    this.#isCancelled = isCancelled
    this.#shop = {
      dataset: train,
      train: labelledOf(train, classes),
      test: labelledOf(test, classes),
      poisons: new PoisonRegistry([...builtInPoisons, ...poisons]),
      detectors: new DetectorRegistry(builtInDetectors),
      controls: new Controls(),
      rehearsed: new Set(),
      session: { provider: device },
    }
  }

  /** @throws GNT_INTERRUPTED when cancelled; what `runTrial` throws, with the model's file */
  run(task: TrialTask): Promise<TrialResult> {
    return this.#cancellable(task, (signal) => runTrial(task, this.#shop, signal))
  }

  /** @throws as `run` would, as far as that can be told in seconds */
  rehearse(task: TrialTask): Promise<void> {
    return this.#cancellable(task, (signal) => rehearseTrial(task, this.#shop, signal))
  }

  /** The pool's flag as a signal, for steps that wait for something else than ONNX Runtime. */
  async #cancellable<T>(
    { model }: TrialTask,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const controller = new AbortController()
    const look = (): void => {
      if (!controller.signal.aborted && this.#isCancelled())
        controller.abort(new GauntletError('GNT_INTERRUPTED', { what: 'interrupted' }))
    }
    const timer = setInterval(look, lookMs)
    try {
      look()
      controller.signal.throwIfAborted()
      return await work(controller.signal)
    } catch (error) {
      throw located(error, model.path)
    } finally {
      clearInterval(timer)
    }
  }
}
