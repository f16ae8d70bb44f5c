import { describe, expect, it } from 'vitest'
import { builtInAttacks } from '../../../attacks/index.js'
import { builtInPoisons } from '../../../attacks/poisoning/index.js'
import { builtInDetectors } from '../../../src/audit/data/index.js'
import { DetectorRegistry } from '../../../src/audit/data/registry.js'
import { PoisonRegistry } from '../../../src/poison/registry.js'
import { AttackRegistry } from '../../../src/attack/registry.js'
import { GauntletError } from '../../../src/errors.js'
import { defineSuite } from '../../../src/plugin.js'
import { SuiteRegistry } from '../../../src/suite/registry.js'
import { parseEpsilon, readEpsilon } from '../../../src/threat/epsilon.js'
import { builtInSuites } from '../../../suites/index.js'

const own = {
  id: 'own',
  title: 'Own',
  attacks: [{ use: 'pgd' }],
  threats: [{ norm: 'linf' as const, epsilon: '8/255' }],
}

describe('epsilon', () => {
  it.each([
    ['8/255', 8 / 255],
    [' 8 / 255 ', 8 / 255],
    ['2.5/255', 2.5 / 255],
    ['0.03', 0.03],
    ['.5', 0.5],
    ['1e-3', 0.001],
    ['3', 3],
    [0.25, 0.25],
  ])('%s is %d', (text, value) => {
    expect(readEpsilon(text)).toBe(value)
  })

  it.each([
    '',
    ' ',
    '0',
    '0/255',
    '8/0',
    '-1',
    '-8/255',
    '8/255/2',
    '8 255',
    'eight',
    'NaN',
    'Infinity',
    '0x10',
    '1e999',
    0,
    -1,
    NaN,
    Infinity,
  ])('%s is none', (text) => {
    expect(readEpsilon(text)).toBeUndefined()
    expect(() => parseEpsilon(text, '--eps')).toThrow(
      /wrong epsilon \(--eps\): got .*expected a number above 0/,
    )
  })
})

describe('defineSuite', () => {
  it('fills in defaults, makes epsilons numbers, and takes its own result', () => {
    const suite = defineSuite(own)
    expect(suite).toMatchObject({
      describe: '',
      attacks: [{ use: 'pgd', params: {} }],
      threats: [{ norm: 'linf', epsilon: [8 / 255], goal: 'untargeted' }],
      gate: [],
    })
    expect(defineSuite(suite)).toEqual(suite)
  })

  it.each<[string, object, string]>([
    ['no attacks', { attacks: [] }, 'suite own: attacks'],
    ['an unknown norm', { threats: [{ norm: 'l7', epsilon: 1 }] }, 'suite own: threats[0].norm'],
    ['no restarts', { attacks: [{ use: 'pgd', restarts: 0 }] }, 'suite own: attacks[0].restarts'],
    ['an attack twice', { attacks: [{ use: 'pgd' }, { use: 'pgd' }] }, 'suite own: attacks[1]'],
    [
      'an epsilon twice',
      { threats: [{ norm: 'linf', epsilon: ['8/255', 8 / 255] }] },
      'suite own: threats[0]',
    ],
    [
      'a threat twice',
      {
        threats: [
          { norm: 'l2', epsilon: 1 },
          { norm: 'l2', epsilon: [2, 1] },
        ],
      },
      'suite own: threats[1]',
    ],
    ['an id with a space', { id: 'my own' }, 'suite my own: id'],
  ])('%s is refused', (_label, change, where) => {
    const call = () => defineSuite({ ...own, ...change } as typeof own)
    expect(call).toThrow(GauntletError)
    expect(call).toThrow(where)
  })

  it('takes two threats that differ in the goal alone', () => {
    const threats = [
      { norm: 'l2' as const, epsilon: 1 },
      { norm: 'l2' as const, epsilon: 1, goal: { target: 'random' as const } },
    ]
    expect(defineSuite({ ...own, threats }).threats).toHaveLength(2)
  })
})

describe('a suite with poisons', () => {
  const rates = [{ value: 0.05, of: 'dataset' as const }]
  const poisoned = { id: 'own', title: 'Own', poisons: [{ use: 'badnets', rates }] }

  it('needs no attacks; trials are ten', () => {
    expect(defineSuite(poisoned)).toMatchObject({
      attacks: [],
      threats: [],
      poisons: [{ use: 'badnets', params: {}, rates, trials: 10 }],
      detectors: [],
      falsePositiveRate: 0.05,
    })
    expect(defineSuite(defineSuite(poisoned))).toEqual(defineSuite(poisoned))
  })

  it('may attack as well', () => {
    expect(defineSuite({ ...own, ...poisoned }).attacks).toHaveLength(1)
  })

  // Signal B8.
  it.each<[string, unknown, string]>([
    ['a number', 0.05, 'suite own: poisons[0].rates[0]'],
    ['a text', '5%', 'suite own: poisons[0].rates[0]'],
    ['no denominator', { value: 0.05 }, 'suite own: poisons[0].rates[0].of'],
    ['an unknown one', { value: 0.05, of: 'data' }, 'suite own: poisons[0].rates[0].of'],
  ])('is refused for a rate that is %s, and told why', (_label, rate, where) => {
    const call = () =>
      defineSuite({ ...poisoned, poisons: [{ use: 'badnets', rates: [rate] }] } as typeof poisoned)
    expect(call).toThrow(`(${where})`)
    expect(call).toThrow(/1 % of the data set is 10 % of one of ten classes/)
  })

  it.each<[string, object, string]>([
    ['a rate of nothing', { rates: [{ value: 0, of: 'dataset' }] }, 'rates[0].value'],
    ['a rate above 1', { rates: [{ value: 5, of: 'dataset' }] }, 'rates[0].value'],
    ['no rates', { rates: [] }, 'rates'],
    ['no trials', { rates, trials: 0 }, 'trials'],
    ['an odd source', { rates, source: 'all' }, 'source'],
  ])('is refused for %s', (_label, change, where) => {
    const poisons = [{ use: 'badnets', ...change }] as typeof poisoned.poisons
    expect(() => defineSuite({ ...poisoned, poisons })).toThrow(`(suite own: poisons[0].${where})`)
  })

  it('is refused when it does nothing', () => {
    expect(() => defineSuite({ id: 'own', title: 'Own' })).toThrow(/at least 1 attack, or poisons/)
  })
})

describe('built-in suites', () => {
  const attacks = new AttackRegistry(builtInAttacks)

  const evasion = builtInSuites.filter(({ attacks }) => attacks.length > 0)
  it.each(evasion.map((suite) => [suite.id, suite] as const))(
    '%s names attacks that exist and can work',
    (_id, suite) => {
      for (const { use, params, restarts } of suite.attacks) {
        expect(attacks.specify(use, params, restarts).attack).toBe(use)
        for (const { norm, goal } of suite.threats) {
          expect(attacks.get(use).norms).toContain(norm)
          expect(attacks.get(use).goals).toContain(
            goal === 'untargeted' ? 'untargeted' : 'targeted',
          )
        }
      }
      expect(suite.attacks.some(({ use }) => attacks.get(use).kind === 'control')).toBe(true)
    },
  )

  const poisoning = builtInSuites.filter(({ poisons }) => poisons.length > 0)
  it.each(poisoning.map((suite) => [suite.id, suite] as const))(
    '%s names poisons and detectors that exist',
    (_id, { poisons, detectors }) => {
      const known = {
        poisons: new PoisonRegistry(builtInPoisons),
        detectors: new DetectorRegistry(builtInDetectors),
      }
      for (const { use, params } of poisons)
        expect(known.poisons.specify(use, params).poison).toBe(use)
      for (const one of detectors) expect(() => known.detectors.choose(one as string)).not.toThrow()
      // Fewer trials than ten say little.
      for (const { trials } of poisons) expect(trials).toBeGreaterThanOrEqual(10)
    },
  )

  it('are found by id, with a suggestion for a slip', () => {
    const registry = new SuiteRegistry(builtInSuites)
    expect(registry.get('quick').id).toBe('quick')
    const suite = defineSuite(own)
    expect(registry.resolve(suite)).toBe(suite)
    expect(() => registry.get('standart')).toThrow('did you mean standard?')
    expect(() => new SuiteRegistry([suite, suite])).toThrow('two suites')
  })
})
