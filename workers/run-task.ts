import { runAttack } from '../src/attack/host.js'
import type { AttackJob, AttackResult } from '../src/attack/job.js'
import type { AttackRegistry } from '../src/attack/registry.js'
import { sampleSize, takeSamples, type Dataset } from '../src/data/dataset.js'
import { GauntletError } from '../src/errors.js'
import { argmax, ModelHandle } from '../src/model/handle.js'
import { prepareModel } from '../src/model/prepare.js'
import { loadModel } from '../src/onnx/load.js'
import type { ExaminationTask, ModelSpec, Task, TaskResult } from '../src/plan/task.js'
import { examine } from '../src/trust/examine.js'
import type { Finding } from '../src/trust/finding.js'
import { located } from '../src/util/located.js'

/** Models kept open by one worker; the least recently used is closed. */
const openModels = 4

export interface RunnerSettings {
  readonly registry: AttackRegistry
  /** Execution provider of ONNX Runtime. */
  readonly device: string
  /** Asked between steps. */
  readonly isCancelled: () => boolean
}

/** What a rehearsal tries: enough for the attack to ask for its first gradient, and for its result to be judged. */
const rehearsedChecks = 4

/** Runs tasks in one thread: keeps the data set and the sessions of the last few models. */
export class TaskRunner {
  readonly #dataset: Dataset
  readonly #settings: RunnerSettings
  readonly #handles = new Map<string, Promise<ModelHandle>>()

  constructor(dataset: Dataset, settings: RunnerSettings) {
    this.#dataset = dataset
    this.#settings = settings
  }

  /** @throws GNT_INTERRUPTED when cancelled; GNT_DATA_VALUES when labels do not fit the model */
  async run(task: Task): Promise<TaskResult> {
    const model = await this.#open(task.model)
    const dataset = this.#dataset
    const job = await this.#job(task, model)
    checkLabels(job.labels, task.from, model.classes, task)
    const models = [job.model, ...(job.surrogate ? [job.surrogate] : [])]
    const secondsBefore = await secondsOf(models)
    const start = performance.now()
    const result = await attackWith(job, task)
    const seconds = (performance.now() - start) / 1000
    const size = sampleSize(dataset)
    const kept = result.outcomes.flatMap((outcome, i) =>
      task.keepExamples === 'all' || outcome.success ? [{ sample: outcome.sample, row: i }] : [],
    )
    return {
      key: task.key,
      outcomes: result.outcomes,
      examples: (task.keepExamples === 'all' ? kept : kept.slice(0, task.keepExamples)).map(
        ({ sample, row }) => ({
          sample,
          xAdv: result.xAdv.slice(row * size, (row + 1) * size),
        }),
      ),
      seconds,
      secondsInRuntime: (await secondsOf(models)) - secondsBefore,
      notes: result.notes,
    }
  }

  /**
   * Opens the model, checks all labels of the data set against it, and begins the attack: as it would end for want
   * of correctly classified samples, each is taken for what the model says it is.
   *
   * @throws GauntletError as `run` would
   */
  async rehearse(task: Task): Promise<void> {
    const model = await this.#open(task.model)
    checkLabels(this.#dataset.labels, 0, model.classes, task)
    const job = await this.#job(task, model)
    const scores = await model.scores(job.x, job.samples.length, task.batch)
    const labels = Int32Array.from(job.samples, (_, i) =>
      argmax(scores, i * model.classes, model.classes),
    )
    let checks = 0
    const isCancelled = (): boolean => this.#settings.isCancelled() || ++checks > rehearsedChecks
    try {
      await attackWith({ ...job, labels, isCancelled }, task)
    } catch (error) {
      const isDone = error instanceof GauntletError && error.code === 'GNT_INTERRUPTED'
      if (!isDone) throw error
    }
  }

  /** Whether the evaluation of a model means what it seems to. @throws GNT_INTERRUPTED when cancelled */
  async examine(task: ExaminationTask): Promise<readonly Finding[]> {
    const model = await this.#open(task.model)
    const samples = rangeOf(task)
    try {
      return await examine({
        version: task.model.version,
        model,
        x: takeSamples(this.#dataset, samples),
        labels: this.#dataset.labels.slice(task.from, task.to),
        samples,
        threats: task.threats,
        attack: this.#settings.registry.get('pgd'),
        seed: task.seed,
        batch: task.batch,
        isCancelled: this.#settings.isCancelled,
      })
    } catch (error) {
      throw located(error, task.model.path)
    }
  }

  async #job(task: Task, model: ModelHandle): Promise<AttackJob> {
    const surrogate = task.surrogate && (await this.#openSurrogate(task.surrogate))
    if (surrogate) checkClasses(surrogate, model, task)
    const samples = rangeOf(task)
    return {
      model,
      surrogate,
      eot: task.attack.eot,
      plugin: this.#settings.registry.get(task.attack.attack),
      spec: task.attack,
      threat: task.threat,
      x: takeSamples(this.#dataset, samples),
      labels: this.#dataset.labels.slice(task.from, task.to),
      samples,
      seed: task.seed,
      batch: task.batch,
      isCancelled: this.#settings.isCancelled,
    }
  }

  /** @throws GNT_DATA_SHAPE when it does not take what the model takes */
  async #openSurrogate(spec: ModelSpec): Promise<ModelHandle> {
    try {
      return await this.#open(spec)
    } catch (cause) {
      if (!(cause instanceof GauntletError) || cause.code !== 'GNT_DATA_SHAPE') throw cause
      const detail = {
        ...cause.detail,
        what: 'the surrogate takes samples of another shape than the model',
        fix: 'choose a surrogate for the same data',
      }
      throw new GauntletError('GNT_DATA_SHAPE', detail, { cause })
    }
  }

  #open(spec: ModelSpec): Promise<ModelHandle> {
    const key = JSON.stringify({ ...spec, version: '' })
    const known = this.#handles.get(key)
    if (known) {
      // Re-inserted as the most recent.
      this.#handles.delete(key)
      this.#handles.set(key, known)
      return known
    }
    const opened = openModel(spec, this.#dataset, this.#settings.device)
    this.#handles.set(key, opened)
    opened.catch(() => this.#handles.delete(key))
    for (const [oldest, handle] of this.#handles) {
      if (this.#handles.size <= openModels) break
      this.#handles.delete(oldest)
      void handle.then((one) => one.close()).catch(() => {})
    }
    return opened
  }

  async close(): Promise<void> {
    for (const handle of this.#handles.values()) await (await handle).close()
    this.#handles.clear()
  }
}

/** Indices of a task's samples. */
const rangeOf = ({ from, to }: Pick<Task, 'from' | 'to'>): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i)

/** Seconds inside ONNX Runtime. */
async function secondsOf(models: readonly ModelHandle[]): Promise<number> {
  let sum = 0
  for (const model of models) sum += await model.seconds()
  return sum
}

/** Runs the attack; an error names the model's file. */
async function attackWith(job: AttackJob, task: Task): Promise<AttackResult> {
  try {
    return await runAttack(job)
  } catch (error) {
    throw located(error, task.model.path)
  }
}

/**
 * Loads, checks and prepares a model for a data set.
 * @throws GNT_FILE when the file has changed since the run was planned
 */
async function openModel(spec: ModelSpec, dataset: Dataset, device: string): Promise<ModelHandle> {
  const loaded = await loadModel(spec.path)
  if (loaded.digest !== spec.digest)
    throw new GauntletError('GNT_FILE', {
      what: 'the model file changed while the run was under way',
      where: spec.path,
      got: `digest ${loaded.digest.slice(0, 12)}`,
      expected: spec.digest.slice(0, 12),
      fix: 'start the run again',
    })
  const { layout, mean, std, input, output, constants } = spec
  const options = {
    sampleShape: dataset.shape,
    range: dataset.range,
    layout,
    mean,
    std,
    input,
    output,
    constants,
  }
  try {
    return await ModelHandle.open(await prepareModel(loaded.graph, options), { provider: device })
  } catch (error) {
    throw located(error, spec.path)
  }
}

function checkClasses(surrogate: ModelHandle, model: ModelHandle, task: Task): void {
  if (surrogate.classes === model.classes) return
  throw new GauntletError('GNT_ATTACK_NEEDS', {
    what: 'a surrogate with other classes than the model',
    where: `${task.surrogate?.path}; ${task.model.path}`,
    got: `${surrogate.classes} classes`,
    expected: String(model.classes),
  })
}

/** @param from - index of the first label in the data set */
function checkLabels(labels: Int32Array, from: number, classes: number, task: Task): void {
  const i = labels.findIndex((label) => label >= classes)
  if (i < 0) return
  throw new GauntletError('GNT_DATA_VALUES', {
    what: 'a label is outside the classes of the model',
    where: `${task.dataset.path}, sample ${from + i}; ${task.model.path}`,
    got: String(labels[i]),
    expected: `0 to ${classes - 1}`,
    fix: 'check that data set and model belong together',
  })
}
