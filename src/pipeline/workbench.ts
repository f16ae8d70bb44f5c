import type { DetectorRegistry } from '../audit/data/registry.js'
import type { Dataset } from '../data/dataset.js'
import { GauntletError } from '../errors.js'
import type { Graph } from '../graph/ir.js'
import type { PrepareOptions } from '../model/prepare.js'
import { loadModel } from '../onnx/load.js'
import type { ModelSpec } from '../plan/task.js'
import type { TrialTask } from '../plan/trial.js'
import type { PoisonRegistry } from '../poison/registry.js'
import type { LabelledSamples, PoisonPlugin, Surrogate } from '../poison/types.js'
import type { SessionOptions } from '../runtime/session.js'
import { digestJson } from '../util/hash.js'
import { createRng } from '../util/rng.js'
import type { Control, Controls } from './controls.js'
import { createLearner, type Learned, type Learner } from './learner.js'
import type { NetworkSurrogate } from '../poison/surrogate.js'
import { openSurrogate } from './surrogate.js'

/** What a thread has for all its trials. */
export interface Workshop {
  /** The training data; how their file holds them. */
  readonly dataset: Dataset
  readonly train: LabelledSamples
  readonly test: LabelledSamples
  readonly poisons: PoisonRegistry
  readonly detectors: DetectorRegistry
  readonly controls: Controls
  /** Trainings that were tried out already. */
  readonly rehearsed: Set<string>
  readonly session: SessionOptions
}

/** What one trial works with. */
export interface Workbench extends Omit<Workshop, 'poisons' | 'controls' | 'rehearsed'> {
  readonly plugin: PoisonPlugin
  readonly learner: Learner
  /** The version's own network. */
  readonly graph: Graph
  /** How samples become the input of the networks that are trained. */
  readonly input: PrepareOptions
  readonly signal: AbortSignal
  /** The training on the clean data. @param onTrained - called only if it is not known yet */
  control(onTrained: (learned: Learned) => void): Promise<Control>
  /**
   * The attacker's own network: trained by the same pipeline on the clean data, from another seed; or, where training
   * starts from a file, what is in it, which the attacker has as well.
   */
  surrogate(note: (text: string) => void): Promise<Surrogate>
  /** As `PoisonContext.retrained`. */
  readonly retrained:
    | ((train: LabelledSamples, share: number, note: (text: string) => void) => Promise<Surrogate>)
    | null
  closeSurrogates(): Promise<void>
}

/** @throws GNT_FILE when the model is no longer what was planned */
export async function openWorkbench(
  task: TrialTask,
  shop: Workshop,
  signal: AbortSignal,
): Promise<Workbench> {
  const { model, training, seed } = task
  const { dataset, train, session, controls } = shop
  const graph = await loadPlanned(model)
  const input = inputOf(model, dataset)
  const learner = createLearner({
    spec: training,
    graph,
    path: model.path,
    input,
    dataset,
    session,
  })
  const surrogates: NetworkSurrogate[] = []
  const open = async (network: Graph, note: (text: string) => void): Promise<Surrogate> => {
    const opened = await openSurrogate(network, { training, input, session, note })
    surrogates.push(opened)
    return opened
  }
  const seeds = createRng('surrogate', seed)
  return {
    ...shop,
    plugin: shop.poisons.get(task.poison.poison),
    learner,
    graph,
    input,
    signal,
    control: (onTrained) =>
      controls.get(controlKey(task), async () => {
        const learned = await learner(train, { seed, signal })
        onTrained(learned)
        return { graph: learned.graph, seconds: learned.seconds, flagged: new Map() }
      }),
    async surrogate(note) {
      if (isFineTuning(training)) return open(graph, note)
      return open((await learner(train, { seed: seeds.uint32(), signal })).graph, note)
    },
    retrained: isFineTuning(training)
      ? async (poisoned, share, note) => {
          const epochs = Math.max(1, Math.round(share * training.epochs))
          const options = { seed: seeds.uint32(), signal, epochs }
          return open((await learner(poisoned, options)).graph, note)
        }
      : null,
    async closeSurrogates() {
      for (const surrogate of surrogates.splice(0)) await surrogate.close()
    },
  }
}

function isFineTuning(
  training: TrialTask['training'],
): training is Extract<TrialTask['training'], { kind: 'built-in' }> {
  return training.kind === 'built-in' && training.from !== 'scratch'
}

async function loadPlanned({ path, digest }: ModelSpec): Promise<Graph> {
  const loaded = await loadModel(path)
  if (loaded.digest === digest) return loaded.graph
  throw new GauntletError('GNT_FILE', {
    what: 'the model file changed while the run was under way',
    where: path,
    got: `digest ${loaded.digest.slice(0, 12)}`,
    expected: digest.slice(0, 12),
    fix: 'start the run again',
  })
}

function inputOf(model: ModelSpec, { shape, range }: Dataset): PrepareOptions {
  const { layout, mean, std, input, output, constants } = model
  return { sampleShape: shape, range, layout, mean, std, input, output, constants }
}

/** All that the training on clean data depends on. */
function controlKey({ model, training, seed, trainingData, provider }: TrialTask): string {
  const { version: _, path: __, ...content } = model
  return digestJson([content, training, seed, trainingData.digest, provider])
}
