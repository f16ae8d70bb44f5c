import type { DatasetSpec } from '../data/dataset.js'
import type { ModelSpec } from './task.js'

type Digested = DatasetSpec & { readonly digest: string }

/** How a version of a model is trained: by the steps compiled from its own graph, or by the user's command. */
export type TrainingSpec =
  | {
      readonly kind: 'built-in'
      /** All weights anew, all weights on from the file's, or those of the last linear layer only. */
      readonly from: 'scratch' | 'fine-tune' | 'head'
      readonly epochs: number
      readonly batch: number
      /** Optimizer, schedule, augmentation with all defaults filled in; JSON. */
      readonly settings: Readonly<Record<string, unknown>>
    }
  | {
      readonly kind: 'command'
      /** Program and arguments, with `{data}`, `{clean}`, `{out}`, `{seed}` and `{folder}` still in them; or one line for a shell. */
      readonly command: readonly string[] | string
      readonly shell: boolean
      /** Digest of the files that the command reads, as far as they are named; part of the key. */
      readonly digest: string
      readonly timeoutSeconds: number
      /** Where it starts: the folder of the configuration, absolute. Not part of the key. */
      readonly cwd: string
      /** The work folder stays, to be looked at. Not part of the key. */
      readonly keepFolder: boolean
    }

/** A share always names what it is a share of. */
export interface PoisonRateSpec {
  readonly value: number
  readonly of: 'dataset' | 'targetClass' | 'sourceClass'
}

export interface DetectorSpec {
  readonly detector: string
  readonly version: number
  readonly params: Readonly<Record<string, unknown>>
}

export interface PoisonSpec {
  readonly poison: string
  readonly version: number
  readonly params: Readonly<Record<string, unknown>>
  /** What reports call it. */
  readonly label: string
}

/** The unit of work of a poisoning suite: one (source, target, seed) of one poison at one rate, in all its arms. */
export interface TrialTask {
  /** SHA-256 over everything that can change the result. */
  readonly key: string
  readonly cell: string
  readonly model: ModelSpec
  readonly training: TrainingSpec
  readonly poison: PoisonSpec
  readonly rate: PoisonRateSpec
  readonly source: number | null
  readonly target: number
  /** Number of the trial within its cell; its seeds are drawn from it and the run's seed. */
  readonly trial: number
  readonly seed: number
  readonly trainingData: Digested
  /** Test data. */
  readonly dataset: Digested
  readonly detectors: readonly DetectorSpec[]
  /** Share of clean samples that a detector may flag. */
  readonly falsePositiveRate: number
  readonly provider: string
  /** Samples per call of the runtime when models are measured; never changes a result. */
  readonly batch: number
}

/** One version under one poison at one rate: its trials differ in source, target and seed alone. */
export interface TrialCell {
  /** Unique within a plan, readable: `v2 / BadNets 3×3 / 5 % of the data set`. */
  readonly id: string
  readonly model: ModelSpec
  readonly training: TrainingSpec
  readonly poison: PoisonSpec
  readonly rate: PoisonRateSpec
  readonly detectors: readonly DetectorSpec[]
  readonly falsePositiveRate: number
  readonly tasks: readonly TrialTask[]
}

/** A cell of trials as the manifest of a run holds it, under `poisonings`: all that reports and gate need of it. */
export interface PoisoningRecord {
  readonly cell: string
  /** Name of the model's version. */
  readonly version: string
  readonly training: TrainingSpec
  readonly poison: PoisonSpec
  readonly title: string
  readonly goal: 'backdoor' | 'misclassification' | 'targeted' | 'availability'
  readonly atlas?: string | undefined
  readonly rate: PoisonRateSpec
  readonly detectors: readonly DetectorSpec[]
  readonly falsePositiveRate: number
  readonly trainingData: Digested
  readonly dataset: Digested
  /** Of the trials, in order; results: `Store.trialsOf`, failures: `Store.failuresOf`. */
  readonly keys: readonly string[]
}

export interface Count {
  readonly successes: number
  readonly trials: number
}

/** One model trained, and what it does with the test data. */
export interface Arm {
  /** `clean`: nothing poisoned. `poisoned`: as the attacker left it. `filtered`: what `filter` left over of that. */
  readonly arm: 'clean' | 'poisoned' | 'filtered'
  /** Id of a detector, `random` or `oracle`; null: none. */
  readonly filter: string | null
  /** Training samples taken out, and how many of those were poisoned. */
  readonly removed: number
  readonly removedPoisons: number
  /** Test samples classified as their label says. */
  readonly cleanAccuracy: Count
  /** Attacked test samples that reach the attacker's goal; never such as belong to the target class. */
  readonly attackSuccess: Count
  /** Of the same attacked samples, those classified as their label says. */
  readonly attackedAccuracy: Count
  readonly seconds: number
}

/** What a detector said of one training set. */
export interface DetectorResult {
  readonly detector: string
  /** On the poisoned data: what it flagged. */
  readonly flagged: number
  readonly truePositives: number
  /** On the clean control, which holds no poison: everything flagged is a false alarm. */
  readonly flaggedInControl: number
  readonly samples: number
  /** Why it does not apply here; null: it does. */
  readonly notApplicable: string | null
}

/** A poisoned sample and what it was. */
export interface PoisonExample {
  /** In the training data. */
  readonly index: number
  readonly shape: readonly number[]
  readonly label: number
  readonly poisonedLabel: number
  /** 8-bit levels of the data's range, (...shape), in base64. */
  readonly clean: string
  readonly poisoned: string
}

export interface TrialResult {
  readonly key: string
  readonly source: number | null
  readonly target: number
  readonly seed: number
  /** Training samples changed. */
  readonly poisons: number
  /** Of these, how many the training was fed as the attacker left them; null: the trainer cannot tell. */
  readonly fed: number | null
  readonly arms: readonly Arm[]
  readonly detectors: readonly DetectorResult[]
  /** Attack success on paths that images take, by path: `uint8`, `jpeg 75`, `resized`. Backdoors on images only. */
  readonly paths: Readonly<Record<string, Count>>
  readonly seconds: number
  readonly secondsInRuntime: number
  readonly notes: readonly string[]
  /** For the pictures of reports; of images, and of the first trial of a cell only. */
  readonly examples?: readonly PoisonExample[] | undefined
}
