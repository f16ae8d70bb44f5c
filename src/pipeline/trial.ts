import type { Arm, DetectorResult, TrialResult, TrialTask } from '../plan/trial.js'
import { craft, type Crafted } from '../poison/craft.js'
import { measure, measurePaths, type MeasureRequest } from '../poison/measure.js'
import type { LabelledSamples } from '../poison/types.js'
import type { Control } from './controls.js'
import { crossValidate } from './cross-validate.js'
import { detect } from './detect.js'
import { examplesOf } from './examples.js'
import { filtersOf, type Filter } from './filters.js'
import type { Learned } from './learner.js'
import { openNetwork, predictor, type Network } from './network.js'
import { keepSamples, roundToBytes, type TrainingSet } from './samples.js'
import { openWorkbench, type Workbench, type Workshop } from './workbench.js'

/**
 * One trial of a poison in all its arms: trained on the clean data, on the data as the attacker leaves them, and on what
 * each detector's filter leaves of those, with random and perfect filters beside them. What depends on the seed is the
 * same in all arms: first weights, order and augmentation.
 *
 * @throws GNT_INTERRUPTED; GNT_TRAINING; what the poison and the training refuse
 */
export async function runTrial(
  task: TrialTask,
  shop: Workshop,
  signal: AbortSignal,
): Promise<TrialResult> {
  const bench = await openWorkbench(task, shop, signal)
  try {
    return await new Trial(task, bench).run()
  } finally {
    await bench.closeSurrogates()
  }
}

/** What is counted, for whichever network. */
type Attacked = Omit<MeasureRequest, 'predict'>

class Trial {
  readonly #task: TrialTask
  readonly #bench: Workbench
  readonly #notes: string[] = []
  #secondsInRuntime = 0

  constructor(task: TrialTask, bench: Workbench) {
    this.#task = task
    this.#bench = bench
  }

  async run(): Promise<TrialResult> {
    const { key, source, target, seed } = this.#task
    const { test } = this.#bench
    const start = performance.now()
    const crafted = await this.#craft()
    const { trigger, victims } = crafted
    const { goal } = this.#bench.plugin
    const attacked: Attacked = { test, source, target, goal, trigger, victims }
    const control = await this.#bench.control((learned) => this.#count(learned))
    const clean = await this.#arm({ arm: 'clean', ...control }, attacked)
    const learned = await this.#learn(crafted.train, crafted.poisons)
    const network = await this.#open(learned)
    try {
      const poisoned = await this.#measured({ arm: 'poisoned', ...learned }, network, attacked)
      const paths = await measurePaths({ ...attacked, predict: predictor(network) })
      const { results, suspects } = await this.#detect(crafted, network, control)
      const filters = filtersOf({
        suspects,
        poisons: crafted.poisons,
        count: crafted.train.count,
        seed,
      })
      const filtered = await this.#filtered(filters, crafted, poisoned, attacked)
      return {
        key,
        source,
        target,
        seed,
        poisons: crafted.poisons.length,
        fed: learned.fed,
        arms: [clean, poisoned, ...filtered],
        detectors: results,
        paths,
        seconds: (performance.now() - start) / 1000,
        secondsInRuntime: this.#secondsInRuntime,
        notes: [...crafted.notes, ...this.#notes],
        ...(this.#task.trial === 0
          ? { examples: examplesOf(this.#bench.train, crafted.train, crafted.poisons) }
          : {}),
      }
    } finally {
      await this.#close(network)
    }
  }

  async #craft(): Promise<Crafted> {
    const bench = this.#bench
    const { train, test, plugin, retrained, signal } = bench
    const note = (text: string): void => {
      if (!this.#notes.includes(text)) this.#notes.push(text)
    }
    const { rate, source, target, seed, poison } = this.#task
    const crafted = await craft({
      plugin,
      params: poison.params,
      rate,
      train,
      test,
      source,
      target,
      seed,
      surrogate: () => bench.surrogate(note),
      retrained: retrained && ((set, share) => retrained(set, share, note)),
      isCancelled: () => signal.aborted,
    })
    await bench.closeSurrogates()
    roundToBytes(crafted.train.x, crafted.poisons, bench.dataset)
    return crafted
  }

  async #learn(set: TrainingSet, watch: readonly number[] = []): Promise<Learned> {
    const { learner, signal } = this.#bench
    const learned = await learner(set, { seed: this.#task.seed, watch, signal })
    this.#count(learned)
    return learned
  }

  #count({ secondsInRuntime }: Pick<Learned, 'secondsInRuntime'>): void {
    this.#secondsInRuntime += secondsInRuntime
  }

  #open({ graph }: Pick<Learned, 'graph'>): Promise<Network> {
    const { input, session } = this.#bench
    return openNetwork(graph, input, { batch: this.#task.batch, session })
  }

  async #close(network: Network): Promise<void> {
    this.#secondsInRuntime += await network.seconds()
    await network.close()
  }

  async #arm(
    trained: Pick<Learned, 'graph' | 'seconds'> & Pick<Arm, 'arm'> & Partial<Arm>,
    attacked: Attacked,
  ): Promise<Arm> {
    const network = await this.#open(trained)
    try {
      return await this.#measured(trained, network, attacked)
    } finally {
      await this.#close(network)
    }
  }

  async #measured(
    arm: Pick<Arm, 'arm' | 'seconds'> & Partial<Arm>,
    network: Network,
    attacked: Attacked,
  ): Promise<Arm> {
    const { arm: name, filter = null, removed = 0, removedPoisons = 0, seconds } = arm
    const measured = await measure({ ...attacked, predict: predictor(network) })
    return { arm: name, filter, removed, removedPoisons, ...measured, seconds }
  }

  /** Each detector on the poisoned data, and on the clean ones. */
  async #detect(
    { train, poisons }: Crafted,
    network: Network,
    control: Control,
  ): Promise<{ results: DetectorResult[]; suspects: Map<string, Int32Array> }> {
    const isPoison = new Set(poisons)
    const results: DetectorResult[] = []
    const suspects = new Map<string, Int32Array>()
    const outOfSample = this.#outOfSample(train)
    for (const spec of this.#task.detectors) {
      const found = await this.#suspects(spec, train, network, outOfSample)
      if (found.notApplicable === null) suspects.set(spec.detector, found.suspects)
      results.push({
        detector: spec.detector,
        flagged: found.suspects.length,
        truePositives: found.suspects.filter((index) => isPoison.has(index)).length,
        flaggedInControl: await this.#flaggedInControl(spec, control),
        samples: train.count,
        notApplicable: found.notApplicable,
      })
    }
    return { results, suspects }
  }

  #suspects(
    spec: TrialTask['detectors'][number],
    samples: LabelledSamples,
    network: Network,
    outOfSample: () => Promise<Float32Array>,
  ) {
    const { detectors, signal } = this.#bench
    const { falsePositiveRate, seed } = this.#task
    return detect({
      spec,
      registry: detectors,
      samples,
      network,
      outOfSample,
      falsePositiveRate,
      seed,
      checkpoint: () => signal.throwIfAborted(),
    })
  }

  /** What a detector flags where nothing is poisoned; trials that share their clean training share this as well. */
  async #flaggedInControl(spec: TrialTask['detectors'][number], control: Control): Promise<number> {
    const name = JSON.stringify([spec, this.#task.falsePositiveRate])
    const known = control.flagged.get(name)
    if (known !== undefined) return known
    const { train } = this.#bench
    const network = await this.#open(control)
    try {
      control.outOfSample ??= this.#outOfSample(train)
      const found = await this.#suspects(spec, train, network, control.outOfSample)
      control.flagged.set(name, found.suspects.length)
      return found.suspects.length
    } finally {
      await this.#close(network)
    }
  }

  #outOfSample(set: TrainingSet): () => Promise<Float32Array> {
    const { learner, input, session, signal } = this.#bench
    const { seed, batch } = this.#task
    let known: Promise<Float32Array> | undefined
    return () =>
      (known ??= crossValidate({
        set,
        learner,
        input,
        open: { batch, session },
        seed,
        signal,
        onTrained: (learned) => this.#count(learned),
      }))
  }

  async #filtered(
    filters: readonly Filter[],
    { train, poisons }: Crafted,
    poisoned: Arm,
    attacked: Attacked,
  ): Promise<Arm[]> {
    const isPoison = new Set(poisons)
    const arms: Arm[] = []
    for (const { name, removed } of filters) {
      const counts = {
        arm: 'filtered' as const,
        filter: name,
        removed: removed.length,
        removedPoisons: removed.filter((index) => isPoison.has(index)).length,
      }
      // The same training once more.
      if (removed.length === 0) arms.push({ ...poisoned, ...counts })
      else if (train.count - removed.length < leastSamples)
        this.#notes.push(`${name} leaves ${train.count - removed.length} samples: not trained`)
      else {
        const out = new Set(removed)
        const learned = await this.#learn(keepSamples(train, (index) => !out.has(index)))
        arms.push(await this.#arm({ ...counts, ...learned }, attacked))
      }
    }
    return arms
  }
}

/** Fewer than these are no training set. */
const leastSamples = 2
