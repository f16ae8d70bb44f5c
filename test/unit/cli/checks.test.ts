import { describe, expect, it } from 'vitest'
import { builtInAttacks } from '../../../attacks/index.js'
import { AttackRegistry } from '../../../src/attack/registry.js'
import { expandSuites, type Check } from '../../../src/cli/flows/checks.js'
import { defineSuite, type SuiteInput } from '../../../src/plugin.js'

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
    [0, 1],
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
})
