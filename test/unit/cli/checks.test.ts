import { describe, expect, it } from 'vitest'
import { builtInAttacks } from '../../../attacks/index.js'
import { AttackRegistry } from '../../../src/attack/registry.js'
import { expandSuites, type Check } from '../../../src/cli/flows/checks.js'
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

const expand = (change: Partial<SuiteInput>): Check[] =>
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
    data,
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
      threats: [{ norm: 'linf', epsilon: 0.1, features }],
    })
    expect(check!.threat).toEqual({
      norm: 'linf',
      epsilon: 0.1,
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
})
