import type { DatasetSpec } from '../data/dataset.js'
import type { ThreatModel } from '../threat/threat-model.js'

/** A model version as every part of the harness names it. */
export interface ModelSpec {
  /** The name of the version, e.g. `v1`. Not part of a task's key: the bytes are. */
  readonly version: string
  readonly path: string
  /** SHA-256 of the model file and its external data. */
  readonly digest: string
  readonly layout?: 'nchw' | 'nhwc' | undefined
  /** Per channel, in the data set's units: the network sees (x - mean) / std. */
  readonly mean?: readonly number[] | undefined
  readonly std?: readonly number[] | undefined
  /** Name of the attacked input where a model has several; the others must have constant values. */
  readonly input?: string | undefined
  /** Values of the other inputs, by name, flat. */
  readonly constants?: Readonly<Record<string, readonly number[]>> | undefined
  /** Name of the logits output where a model has several. */
  readonly output?: string | undefined
}

export interface AttackSpec {
  /** Plugin id, e.g. `pgd`. */
  readonly attack: string
  readonly version: number
  /** Validated parameters with all defaults filled in. */
  readonly params: Readonly<Record<string, unknown>>
  readonly restarts: number
  /** Passes over which scores and gradients of a random model are averaged; absent: one. */
  readonly eot?: number | undefined
  /** Name of the version that examples are crafted on; absent: the attacked one. */
  readonly surrogate?: string | undefined
  /** What reports call it: `PGD-40`. */
  readonly label: string
}

/** The unit of work: one model version × one attack × one threat model × one range of samples. */
export interface Task {
  /** SHA-256 over everything that can change the result; see `taskKey`. */
  readonly key: string
  /** Names the cell the task is a shard of; shared by all shards of one cell. */
  readonly cell: string
  readonly model: ModelSpec
  readonly attack: AttackSpec
  /** What examples are crafted on, where that is another model. */
  readonly surrogate?: ModelSpec | undefined
  readonly threat: ThreatModel
  readonly dataset: DatasetSpec & { readonly digest: string }
  /** First sample and one past the last. */
  readonly from: number
  readonly to: number
  readonly seed: number
  /** Execution providers it may run on, `cpu` or `cpu+cuda`: they round differently. */
  readonly provider: string
  /** Samples per ONNX Runtime call; never changes a result. */
  readonly batch: number
  /** How many adversarial examples to send back for the pictures; `'all'` for `--save`. Not in the key. */
  readonly keepExamples: number | 'all'
}

/** The examination of one model version: does its evaluation mean what it seems to? */
export interface ExaminationTask {
  /** SHA-256 over everything that can change the findings. */
  readonly key: string
  /** What progress calls it: `v2 / self-audit`. */
  readonly cell: string
  readonly model: ModelSpec
  /** Of each norm and goal that the run attacks under, the one with the largest epsilon. */
  readonly threats: readonly ThreatModel[]
  readonly dataset: DatasetSpec & { readonly digest: string }
  /** First sample and one past the last. */
  readonly from: number
  readonly to: number
  readonly seed: number
  readonly provider: string
  readonly batch: number
}

/** What happened to one sample under one attack. Written by the host after its own check. */
export interface Outcome {
  /** Index in the data set. */
  readonly sample: number
  readonly label: number
  /** Argmax on the clean sample. */
  readonly cleanPrediction: number
  /** Argmax on the returned example, by a fresh forward pass of the unmodified model. */
  readonly adversarialPrediction: number
  /** Clean prediction was right, and the checked example reaches the goal inside ball and bounds. */
  readonly success: boolean
  /** ‖xAdv − x‖ in the threat model's norm, in float64. */
  readonly distance: number
  /** Forward passes (one example each) and gradients (likewise) spent on this sample. */
  readonly queries: number
  readonly gradients: number
}

/** A kept adversarial example, in the data set's units. */
export interface Example {
  readonly sample: number
  readonly xAdv: Float32Array
}

export interface TaskResult {
  readonly key: string
  readonly outcomes: readonly Outcome[]
  readonly examples: readonly Example[]
  readonly seconds: number
  /** Part of `seconds` spent inside ONNX Runtime. */
  readonly secondsInRuntime: number
  /** Things a reader of the result must know, e.g. `straight-through gradient at /q (Round)`. */
  readonly notes: readonly string[]
}
