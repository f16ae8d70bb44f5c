import { GauntletError } from '../errors.js'
import type { LabelledSamples, PoisonPlugin, PoisonRate } from './types.js'

export interface BudgetRequest {
  readonly plugin: Pick<PoisonPlugin, 'id' | 'from' | 'images'>
  readonly train: LabelledSamples
  readonly source: number | null
  readonly target: number
  readonly rate: PoisonRate
}

export interface Budget {
  /** How many samples may be changed. */
  readonly budget: number
  /** Which, ascending. */
  readonly eligible: Int32Array
}

const wholes = {
  dataset: 'the data set',
  targetClass: 'the target class',
  sourceClass: 'the source class',
} as const

/**
 * How many samples a rate comes to, rounded down, and which they may be.
 * @throws GNT_USAGE for a rate outside (0, 1], classes outside the data's, no source class where one is needed;
 *   GNT_ATTACK_NEEDS for a budget of none or beyond what is eligible, and for tables where images are needed
 */
export function budgetOf(request: BudgetRequest): Budget {
  const { plugin, train, source, target, rate } = request
  checkClasses(request)
  if (plugin.images && train.shape.length !== 3)
    throw new GauntletError('GNT_ATTACK_NEEDS', {
      what: `${plugin.id} poisons images only`,
      got: `samples of shape [${train.shape.join(', ')}]`,
      expected: '[C, H, W]',
      fix: 'use a poison that takes tables, such as badnets or label-flip',
    })
  if (!(rate.value > 0 && rate.value <= 1))
    throw new GauntletError('GNT_USAGE', {
      what: 'wrong poison rate',
      got: String(rate.value),
      expected: 'above 0, at most 1',
    })
  const whole = wholeOf(rate, train, source, target)
  // 0.29 · 100 is 28.999… in doubles.
  const budget = Math.floor(rate.value * whole + 1e-9)
  const where = `${plugin.id} at ${rate.value} of ${wholes[rate.of]}`
  if (budget === 0)
    throw new GauntletError('GNT_ATTACK_NEEDS', {
      what: 'the poison rate comes to no sample at all',
      where,
      got: `${rate.value} of ${whole} samples`,
      fix: `use a rate of at least ${whole === 0 ? 'one sample of a class that has some' : (1 / whole).toPrecision(2)}`,
    })
  const eligible = eligibleOf(plugin.from, train.labels, source, target)
  if (budget > eligible.length)
    throw new GauntletError('GNT_ATTACK_NEEDS', {
      what: 'the poison rate asks for more samples than may be changed',
      where,
      got: `${budget} samples`,
      expected: `at most ${eligible.length} (${eligibility(plugin.from, source, target)})`,
      fix: 'lower the rate, or name a smaller denominator',
    })
  return { budget, eligible }
}

function checkClasses({ train, source, target }: BudgetRequest): void {
  for (const [name, label] of [
    ['target', target],
    ['source', source],
  ] as const)
    if (label !== null && !(Number.isInteger(label) && label >= 0 && label < train.classes))
      throw new GauntletError('GNT_USAGE', {
        what: `the ${name} class is none of the data set`,
        got: String(label),
        expected: `0 to ${train.classes - 1}`,
      })
  if (source === target)
    throw new GauntletError('GNT_USAGE', {
      what: 'source and target are the same class',
      got: String(target),
      expected: 'two classes',
    })
}

function wholeOf(
  { of }: PoisonRate,
  { count, labels }: LabelledSamples,
  source: number | null,
  target: number,
): number {
  if (of === 'dataset') return count
  if (of === 'sourceClass' && source === null)
    throw new GauntletError('GNT_USAGE', {
      what: 'a poison rate of the source class, and no source class',
      fix: 'name the source class, or give the rate of the data set or of the target class',
    })
  const label = of === 'sourceClass' ? source : target
  return labels.reduce((sum, one) => sum + Number(one === label), 0)
}

function eligibleOf(
  from: PoisonPlugin['from'],
  labels: Int32Array,
  source: number | null,
  target: number,
): Int32Array {
  const isEligible = (label: number): boolean => {
    switch (from) {
      case 'any':
        return true
      case 'source':
        return source === null ? label !== target : label === source
      case 'target':
        return label === target
      case 'notTarget':
        return label !== target
    }
  }
  const indices = Int32Array.from(labels, (_, i) => i)
  return indices.filter((i) => isEligible(labels[i]!))
}

function eligibility(from: PoisonPlugin['from'], source: number | null, target: number): string {
  if (from === 'any') return 'all samples'
  if (from === 'target') return `those of class ${target}`
  return from === 'source' && source !== null
    ? `those of class ${source}`
    : `those of all classes but ${target}`
}
