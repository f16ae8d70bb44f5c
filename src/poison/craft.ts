import { GauntletError } from '../errors.js'
import { createRng } from '../util/rng.js'
import { budgetOf, type Budget, type BudgetRequest } from './budget.js'
import { judge, judgeRange } from './judge.js'
import type { LabelledSamples, Poisoned, PoisonPlugin, Surrogate } from './types.js'

export interface CraftRequest extends BudgetRequest {
  readonly plugin: PoisonPlugin
  /** With all defaults filled in. */
  readonly params: Readonly<Record<string, unknown>>
  readonly test: LabelledSamples
  readonly seed: number
  /** Trains a surrogate on the clean data; called at most once, and only for poisons that need one. */
  readonly surrogate: () => Promise<Surrogate>
  /** Trains the surrogate on for a share of the epochs, on the data as poisoned so far; null: it cannot be had. */
  readonly retrained?: ((train: LabelledSamples, share: number) => Promise<Surrogate>) | null
  readonly isCancelled: () => boolean
}

/** The trigger of a backdoor on a sample. @param index - of the sample in the test data */
export type Trigger = (x: Float32Array, index: number) => Float32Array

export interface Crafted {
  /** The training data as the attacker leaves them: a copy. */
  readonly train: LabelledSamples
  /** Indices of the samples that are changed, ascending. */
  readonly poisons: readonly number[]
  /** Backdoors; null: any other. */
  readonly trigger: Trigger | null
  /** Test samples that shall be classified as the target class; none unless the poison is targeted. */
  readonly victims: readonly number[]
  readonly notes: readonly string[]
}

/**
 * Lets a poison work within its budget, and judges what it returns.
 * @throws what `budgetOf` and `judge` throw; GNT_INTERRUPTED
 */
export async function craft(request: CraftRequest): Promise<Crafted> {
  const { plugin, params, train, test, source, target } = request
  if (train.shape.join() !== test.shape.join())
    throw new GauntletError('GNT_DATA_SHAPE', {
      what: 'training and test data have samples of different shapes',
      got: `[${test.shape.join(', ')}] in the test data`,
      expected: `[${train.shape.join(', ')}]`,
    })
  const budget = budgetOf(request)
  checkTest(request)
  const notes: string[] = []
  const poisoned = await run(request, budget, notes)
  const epsilon = plugin.epsilon?.(params, train.shape) ?? null
  judge(poisoned, { ...budget, plugin, train, test, source, target, epsilon })
  const { trigger } = poisoned
  return {
    train: applied(train, poisoned),
    poisons: poisoned.samples.map(({ index }) => index).sort((a, b) => a - b),
    trigger: trigger ? judged(trigger, request) : null,
    victims: poisoned.victims ?? [],
    notes,
  }
}

/** Success is counted on test samples: without one there is nothing to attack. */
function checkTest({ plugin, test, source, target }: CraftRequest): void {
  const isAttacked = (label: number): boolean =>
    source === null ? label !== target : label === source
  if (plugin.goal === 'availability' || test.labels.some(isAttacked)) return
  throw new GauntletError('GNT_ATTACK_NEEDS', {
    what: 'the test data have no sample to attack',
    where: plugin.id,
    got: 'none',
    expected: source === null ? `one of another class than ${target}` : `one of class ${source}`,
    fix: 'take more test data, or another source class',
  })
}

function run(request: CraftRequest, budget: Budget, notes: string[]): Promise<Poisoned> {
  const { plugin, params, train, test, source, target, seed, isCancelled } = request
  const { retrained = null } = request
  let trained: Promise<Surrogate> | undefined
  return plugin.poison(
    {
      ...budget,
      train,
      test,
      source,
      target,
      rng: createRng('poison', plugin.id, seed),
      surrogate: () => {
        if (!plugin.needs.includes('surrogate'))
          throw new Error(`${plugin.id} asks for a surrogate and does not declare it`)
        return (trained ??= request.surrogate())
      },
      retrained: retrained && ((samples, share) => retrained(applied(train, { samples }), share)),
      checkpoint: () => {
        if (isCancelled()) throw new GauntletError('GNT_INTERRUPTED', { what: 'interrupted' })
      },
      note: (text) => {
        if (!notes.includes(text)) notes.push(text)
      },
    },
    params,
  )
}

/** What passes for in range by a rounding is put into it. */
function applied(train: LabelledSamples, { samples }: Pick<Poisoned, 'samples'>): LabelledSamples {
  const [x, labels] = [train.x.slice(), train.labels.slice()]
  const size = train.x.length / train.count
  for (const sample of samples) {
    if (sample.x) x.set(confined(sample.x, train), sample.index * size)
    if (sample.label !== undefined) labels[sample.index] = sample.label
  }
  return { ...train, x, labels }
}

const confined = (x: Float32Array, { range: [low, high] }: LabelledSamples): Float32Array =>
  x.map((value) => Math.min(Math.max(value, low), high))

/** A trigger whose results are held to the range. It gets a copy: the test data stay as they are. */
function judged(trigger: Trigger, { plugin, test }: CraftRequest): Trigger {
  return (x, index) => {
    const triggered = trigger(x.slice(), index)
    judgeRange(triggered, test, plugin.id, `test sample ${index} with its trigger`)
    return confined(triggered, test)
  }
}
