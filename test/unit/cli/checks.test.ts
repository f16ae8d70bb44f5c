import { describe, expect, it } from 'vitest'
import { builtInAttacks } from '../../../attacks/index.js'
import { AttackRegistry } from '../../../src/attack/registry.js'
import { expandSuites, type Check } from '../../../src/cli/flows/checks.js'
import type { TableData } from '../../../src/cli/flows/features.js'
import { defineSuite, type SuiteInput } from '../../../src/plugin.js'

/** Three columns, four rows. */
const data = {
  shape: [3],
  range: [0, 1],
  count: 4,
  divisor: 1,
  values: Float32Array.of(0, 0.5, 1, 0, 0.25, 1, 1, 0.5, 0, 1, 0.75, 0),
  featureNames: ['age', 'income', 'member'],
} as const

const expand = (change: Partial<SuiteInput>, on: TableData = data): Check[] =>
  expandSuites(
    [
      defineSuite({
        id: 'own',
        title: 'own',
        attacks: [{ use: 'corruptions' }, { use: 'spatial' }],
        threats: [{ norm: 'severity', epsilon: [1, 5] }],
        ...change,
      }),
    ],
    new AttackRegistry(builtInAttacks),
    on,
  )

describe('checks of a suite', () => {
  it('are every attack in every threat model', () => {
    const checks = expand({})
    expect(checks.map(({ attack, threat }) => [attack.attack, threat.epsilon])).toEqual([
      ['corruptions', 1],
      ['spatial', 1],
      ['corruptions', 5],
      ['spatial', 5],
    ])
    expect(checks.some(({ isUndivided }) => isUndivided)).toBe(false)
  })

  it('keep all samples of a universal attack together', () => {
    const [check] = expand({
      attacks: [{ use: 'universal' }],
      threats: [{ norm: 'linf', epsilon: '8/255' }],
    })
    expect(check!.isUndivided).toBe(true)
  })

  it.each([2.5, 6, 0.1])('refuse severity %d', (epsilon) => {
    expect(() => expand({ threats: [{ norm: 'severity', epsilon }] })).toThrow(
      'there is no such severity',
    )
  })

  it('refuse a norm that an attack does not have', () => {
    expect(() => expand({ threats: [{ norm: 'linf', epsilon: '8/255' }] })).toThrow(
      'corruptions cannot work in this norm',
    )
  })

  it('refuse an epsilon beyond the range of the data', () => {
    const attacks = [{ use: 'pgd' }]
    expect(() => expand({ attacks, threats: [{ norm: 'linf', epsilon: 8 }] })).toThrow(
      'did you mean 8/255?',
    )
  })

  const pgd = [{ use: 'pgd' }]
  it('know columns by name and by index, and measure them', () => {
    const features: NonNullable<NonNullable<SuiteInput['threats']>[number]['features']> = {
      immutable: ['age', 1],
      scale: { member: 2 },
      integer: ['2'],
      bounds: 'data',
    }
    const [check] = expand({
      attacks: pgd,
      threats: [{ norm: 'linf', epsilon: 0.5, features }],
    })
    expect(check!.threat).toEqual({
      norm: 'linf',
      epsilon: 0.5,
      bounds: [0, 1],
      goal: { kind: 'untargeted' },
      features: { scale: [0, 0, 2], lower: [0, 0.25, 0], upper: [1, 0.75, 1], integers: [2] },
    })
    const [std] = expand({
      attacks: pgd,
      threats: [
        { norm: 'linf', epsilon: 5, features: { scale: 'std', oneHot: [['age', 'member']] } },
      ],
    })
    expect(std!.threat.features).toEqual({ scale: [1, Math.sqrt(0.03125), 1], oneHot: [[0, 2]] })
  })

  it('without features or rounding have no such fields: keys stay as they are', () => {
    const [check] = expand({ attacks: pgd, threats: [{ norm: 'linf', epsilon: 0.1 }] })
    expect(Object.keys(check!.threat)).toEqual(['norm', 'epsilon', 'bounds', 'goal'])
  })

  it('of one norm and epsilon, rounded and not, are two', () => {
    const plain = { norm: 'linf', epsilon: '8/255' } as const
    const checks = expand({ attacks: pgd, threats: [plain, { ...plain, quantize: 8 }] })
    expect(checks.map(({ threat }) => threat.quantize)).toEqual([undefined, 8])
  })

  it.each([
    ['linf', 0.3, 'epsilon 0.3 and 2 bits, expected an epsilon of at least 0.333'],
    ['l2', 0.05, 'epsilon 0.05 and 2 bits'],
    ['l1', 0.05, 'epsilon 0.05 and 2 bits'],
  ] as const)('refuse rounding that leaves nothing in any ball: %s', (norm, epsilon, says) => {
    const levels = { ...data, values: Float32Array.from(data.values, (value) => Math.round(value)) }
    const of = (radius: number) =>
      expand({ attacks: pgd, threats: [{ norm, epsilon: radius, quantize: 2 }] }, levels)
    expect(() => of(epsilon)).toThrow(says)
    expect(of(0.34)).toHaveLength(1)
  })

  it('take rounding that reaches another number of a single sample', () => {
    const threats = [{ norm: 'linf', epsilon: 0.1, quantize: 2 }] as const
    // 0.25 of the second sample is 0.083 from a third.
    expect(expand({ attacks: pgd, threats: [...threats] })).toHaveLength(1)
  })

  it('refuse whole numbers and held columns that nothing can reach', () => {
    const features = { immutable: ['income'], integer: ['age', 'member'] }
    expect(() =>
      expand({ attacks: pgd, threats: [{ norm: 'linf', epsilon: 0.5, features }] }),
    ).toThrow('within epsilon there is nothing but the clean samples')
  })

  it('refuse a one-hot group with a column of other values', () => {
    const features = { oneHot: [['age', 'income']] }
    expect(() =>
      expand({ attacks: pgd, threats: [{ norm: 'linf', epsilon: 0.1, features }] }),
    ).toThrow('(features.oneHot: income, sample 0): got 0.5, expected 0 or 1')
  })
})
