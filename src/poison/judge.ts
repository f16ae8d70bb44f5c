import { GauntletError } from '../errors.js'
import type { LabelledSamples, Poisoned, PoisonedSample, PoisonPlugin } from './types.js'

/** What a poison was allowed. */
export interface Allowance {
  readonly plugin: PoisonPlugin
  readonly train: LabelledSamples
  readonly test: LabelledSamples
  readonly source: number | null
  readonly target: number
  readonly budget: number
  readonly eligible: Int32Array
  /** Greatest change of a value in L∞ as a share of the range; null: any. */
  readonly epsilon: number | null
}

/**
 * Holds what a poison returned to what it was allowed: no more samples than its budget, eligible ones, each once;
 * values in the range; labels that are classes, and unchanged where it says so; its own epsilon; and what its goal needs.
 *
 * @throws GNT_POISON_INVALID naming the poison and the sample
 */
export function judge(poisoned: Poisoned, allowance: Allowance): void {
  const { plugin, budget, eligible } = allowance
  const { samples } = poisoned
  const refuse = refusing(plugin.id)
  if (samples.length === 0) refuse('changed no sample', 'none', `1 to ${budget}`)
  if (samples.length > budget)
    refuse('changed more samples than its budget', `${samples.length}`, `at most ${budget}`)
  const allowed = new Set(eligible)
  const seen = new Set<number>()
  for (const sample of samples) {
    const where = `training sample ${sample.index}`
    if (!allowed.has(sample.index))
      refuse('changed a sample that it may not', where, `samples from: ${plugin.from}`)
    if (seen.has(sample.index)) refuse('returned a sample twice', where, 'each once')
    seen.add(sample.index)
    judgeLabel(sample, allowance)
    if (sample.x) judgeValues(sample.x, sample.index, allowance)
  }
  judgeGoal(poisoned, allowance)
}

type Refuse = (what: string, got: string, expected: string) => never

const refusing =
  (id: string): Refuse =>
  (what, got, expected) => {
    throw new GauntletError('GNT_POISON_INVALID', {
      what: `the poison ${id} ${what}`,
      got,
      expected,
      fix: 'this is a defect of the poison',
    })
  }

function judgeLabel({ index, label }: PoisonedSample, { plugin, train }: Allowance): void {
  if (label === undefined) return
  const refuse: Refuse = refusing(plugin.id)
  const got = `${label} for training sample ${index}`
  if (!Number.isInteger(label) || label < 0 || label >= train.classes)
    refuse('gave a label that is no class', got, `0 to ${train.classes - 1}`)
  if (plugin.labels === 'clean' && label !== train.labels[index])
    refuse('changed a label, and says that it leaves them', got, `${train.labels[index]}`)
}

/** float32 cannot hold most values: so much of the range is forgiven. */
const slack = 1e-6

function judgeValues(x: Float32Array, index: number, allowance: Allowance): void {
  const { plugin, train, epsilon } = allowance
  const where = `training sample ${index}`
  judgeRange(x, train, plugin.id, where)
  if (epsilon === null) return
  const width = train.range[1] - train.range[0]
  const first = index * x.length
  x.forEach((value, i) => {
    const change = Math.abs(value - train.x[first + i]!)
    if (change > epsilon * width * (1 + slack) + slack * width)
      refusing(plugin.id)(
        'changed a value by more than its epsilon',
        `${change / width} of the range in ${where}`,
        `at most ${epsilon}`,
      )
  })
}

/** @throws GNT_POISON_INVALID for values that are none, outside the range, or too few or many */
export function judgeRange(
  x: Float32Array,
  { shape, range: [low, high] }: LabelledSamples,
  id: string,
  where: string,
): void {
  const size = shape.reduce((product, axis) => product * axis, 1)
  const refuse: Refuse = refusing(id)
  if (x.length !== size)
    refuse('returned a sample of another size', `${x.length} values in ${where}`, `${size}`)
  const margin = slack * (high - low)
  const wrong = x.findIndex((value) => !(value >= low - margin && value <= high + margin))
  if (wrong !== -1)
    refuse('returned a value outside the range', `${x[wrong]} in ${where}`, `${low} to ${high}`)
}

function judgeGoal(poisoned: Poisoned, { plugin, test, source, target }: Allowance): void {
  const refuse: Refuse = refusing(plugin.id)
  if (plugin.goal === 'backdoor' && !poisoned.trigger)
    refuse('is a backdoor and has no trigger', 'none', 'a function of a sample')
  if (plugin.goal !== 'targeted') return
  const { victims = [] } = poisoned
  if (victims.length === 0 || new Set(victims).size < victims.length)
    refuse(
      'names no victims, or one twice',
      victims.join(', ') || 'none',
      'test samples, each once',
    )
  for (const victim of victims) {
    const label = test.labels[victim]
    const isRight = source === null ? label !== target : label === source
    if (label === undefined || !isRight)
      refuse(
        'names a victim that is none',
        `test sample ${victim} of class ${label ?? '?'}`,
        source === null ? `any class but ${target}` : `class ${source}`,
      )
  }
}
