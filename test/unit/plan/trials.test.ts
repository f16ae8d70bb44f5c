import { describe, expect, it } from 'vitest'
import { makePlan } from '../../../src/plan/plan.js'
import {
  drawClasses,
  makeTrials,
  type PoisonCheck,
  type TrialPlanInput,
} from '../../../src/plan/trials.js'
import type { TrainingSpec } from '../../../src/plan/trial.js'

const model = { version: 'v1', path: '/models/v1.onnx', digest: 'aa' }
const training: TrainingSpec = {
  kind: 'command',
  command: ['train', '{data}', '{out}'],
  shell: false,
  digest: 'ff',
  timeoutSeconds: 60,
  cwd: '/project',
  keepFolder: false,
}
const check: PoisonCheck = {
  poison: { poison: 'badnets', version: 1, params: { size: 3 }, label: 'BadNets 3×3' },
  rate: { value: 0.05, of: 'dataset' },
  trials: 10,
  source: 'any',
  target: 'drawn',
  detectors: [],
  falsePositiveRate: 0.05,
}
const base: TrialPlanInput = {
  models: [{ model, training }],
  checks: [check],
  trainingData: { path: 'train.npz', digest: 'tt' },
  dataset: { path: 'test.npz', digest: 'dd' },
  classes: 10,
  seed: 1,
  provider: 'cpu',
  batch: 64,
}
const tasks = (input: TrialPlanInput) => makeTrials(input).flatMap((cell) => cell.tasks)
const keys = (input: TrialPlanInput): string[] => tasks(input).map((task) => task.key)
const withCheck = (change: Partial<PoisonCheck>): TrialPlanInput => ({
  ...base,
  checks: [{ ...check, ...change }],
})
const withModel = (change: object, other: object = {}): TrialPlanInput => ({
  ...base,
  models: [{ model: { ...model, ...change }, training: { ...training, ...other } }],
})

describe('keys of trials', () => {
  it('are all different', () => {
    expect(new Set(keys(base)).size).toBe(10)
  })

  it.each<[string, TrialPlanInput]>([
    ['the name and path of the version', withModel({ version: 'v9', path: '/b.onnx' })],
    ['the batch', { ...base, batch: 8 }],
    ['the path of the data', { ...base, trainingData: { path: 'b.npz', digest: 'tt' } }],
    ['what reports call the poison', withCheck({ poison: { ...check.poison, label: 'Other' } })],
    [
      'where the command starts, how long it may take, and what stays of it',
      withModel({}, { cwd: '/b', timeoutSeconds: 9, keepFolder: true }),
    ],
  ])('do not depend on %s', (_what, input) => {
    expect(keys(input)).toEqual(keys(base))
  })

  it('are kept when there are more trials', () => {
    expect(keys(withCheck({ trials: 12 })).slice(0, 10)).toEqual(keys(base))
  })

  it.each<[string, TrialPlanInput]>([
    ['the bytes of the model', withModel({ digest: 'ab' })],
    ['the command', withModel({}, { command: ['train', '--fast', '{data}', '{out}'] })],
    ['its files', withModel({}, { digest: 'fe' })],
    ['the rate', withCheck({ rate: { value: 0.01, of: 'dataset' } })],
    ['what it is a share of', withCheck({ rate: { value: 0.05, of: 'targetClass' } })],
    ['a parameter of the poison', withCheck({ poison: { ...check.poison, params: { size: 4 } } })],
    ['its version', withCheck({ poison: { ...check.poison, version: 2 } })],
    ['the source', withCheck({ source: 'drawn' })],
    ['the detectors', withCheck({ detectors: [{ detector: 'knn', version: 1, params: {} }] })],
    ['the false-positive rate', withCheck({ falsePositiveRate: 0.01 })],
    ['the training data', { ...base, trainingData: { path: 'train.npz', digest: 'tu' } }],
    ['the test data', { ...base, dataset: { path: 'test.npz', digest: 'de' } }],
    ['the seed', { ...base, seed: 2 }],
    ['the devices', { ...base, provider: 'cpu+cuda' }],
  ])('depend on %s', (_what, input) => {
    const before = new Set(keys(base))
    expect(keys(input).filter((key) => before.has(key))).toEqual([])
  })

  it('make the digest of the plan', () => {
    const plan = (input: TrialPlanInput): string =>
      makePlan({
        models: [model],
        checks: [],
        trialCells: makeTrials(input),
        dataset: base.dataset,
        samples: 8,
        seed: 1,
        devices: ['cpu'],
        batch: 64,
        keepExamples: 0,
        examines: true,
      }).digest
    expect(plan(base)).toBe(plan({ ...base, batch: 1 }))
    expect(plan(base)).not.toBe(plan(withCheck({ trials: 9 })))
  })
})

describe('trials', () => {
  it('of two poisons share their seeds and classes, trial by trial', () => {
    const other = { ...check, poison: { ...check.poison, poison: 'blended', label: 'Blended' } }
    const [a, b] = makeTrials({ ...base, checks: [check, other] })
    const drawn = (cell: typeof a) => cell!.tasks.map(({ seed, target }) => [seed, target])
    expect(drawn(a)).toEqual(drawn(b))
    expect(new Set(a!.tasks.map(({ seed }) => seed)).size).toBe(10)
  })

  it('have a cell for each version and check, of a readable and unique name', () => {
    const cells = makeTrials({ ...base, checks: [check, { ...check, trials: 2 }] })
    expect(cells.map(({ id }) => id)).toEqual([
      'v1 / BadNets 3×3 / 5 % of the data set',
      'v1 / BadNets 3×3 / 5 % of the data set #2',
    ])
  })
})

const draw = (
  count: number,
  classes: number,
  source: number | 'any' | 'drawn' = 'drawn',
  seed = 1,
) =>
  Array.from({ length: count }, (_, trial) =>
    drawClasses({ classes, seed }, source, 'drawn', trial),
  )

describe('classes of trials', () => {
  it('take every class for source and for target equally often', () => {
    const pairs = draw(30, 10)
    for (const key of ['source', 'target'] as const)
      for (let k = 0; k < 10; k++) expect(pairs.filter((pair) => pair[key] === k)).toHaveLength(3)
  })

  it('repeat no pair before all have been there', () => {
    const pairs = draw(12, 4).map(({ source, target }) => `${source} ${target}`)
    expect(new Set(pairs).size).toBe(12)
  })

  it('are never the same', () => {
    const shapes = [...draw(200, 3), ...draw(9, 2), ...draw(20, 5, 2)]
    for (const { source, target } of shapes) expect(source).not.toBe(target)
  })

  it('are none for the source where any class but the target may be', () => {
    expect(new Set(draw(10, 10, 'any').map(({ source }) => source))).toEqual(new Set([null]))
  })

  it('keep to what is given', () => {
    const fixed = Array.from({ length: 9 }, (_, trial) =>
      drawClasses({ classes: 10, seed: 1 }, 'drawn', 4, trial),
    )
    expect(fixed.every(({ target }) => target === 4)).toBe(true)
    expect(new Set(fixed.map(({ source }) => source)).size).toBe(9)
  })

  it('differ between seeds', () => {
    expect(draw(10, 10, 'any', 1)).not.toEqual(draw(10, 10, 'any', 2))
  })
})
