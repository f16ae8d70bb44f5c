import { describe, expect, it } from 'vitest'
import { builtInAttacks } from '../../../attacks/index.js'
import { describeParameters } from '../../../src/attack/parameters.js'
import { AttackRegistry } from '../../../src/attack/registry.js'
import { parameterNames } from '../../../src/util/plugins.js'

const registry = new AttackRegistry(builtInAttacks)

describe('the registry', () => {
  it.each([
    ['pdg', 'did you mean pgd?'],
    ['PGD', 'did you mean pgd?'],
    ['fgms', 'did you mean fgsm?'],
    ['noize', 'did you mean noise?'],
    ['gravitation', 'see gauntlet attacks'],
    ['', 'see gauntlet attacks'],
    ['__proto__', 'see gauntlet attacks'],
  ])('does not know %j: %s', (id, fix) => {
    expect(() => registry.get(id)).toThrow(
      expect.objectContaining({ code: 'GNT_ATTACK_UNKNOWN', exitCode: 2 }),
    )
    expect(() => registry.get(id)).toThrow(fix)
    expect(() => registry.get(id)).toThrow(`expected one of ${builtInAttacks.length} attacks`)
  })

  it('refuses two attacks of one name', () => {
    expect(() => new AttackRegistry([...builtInAttacks, builtInAttacks[0]!])).toThrow('fgsm')
  })

  it('fills in defaults', () => {
    expect(registry.specify('pgd')).toEqual({
      attack: 'pgd',
      version: 1,
      params: { steps: 40, loss: 'ce', randomStart: true },
      restarts: 1,
      label: 'PGD-40',
    })
    expect(registry.specify('pgd', { steps: 7, loss: 'dlr' }, 3)).toMatchObject({
      restarts: 3,
      label: 'PGD-7-dlr',
    })
    expect(registry.specify('fgsm', { loss: 'margin' }).label).toBe('FGSM-margin')
    expect(registry.specify('noise').label).toBe('noise-20')
  })

  it.each<[string, Record<string, unknown>, string]>([
    [
      'a misspelt name',
      { step: 3 },
      'pgd has no parameter step: expected steps, relStepSize, stepSize, loss, randomStart; did you mean steps?',
    ],
    ['an unknown name', { momentum: 3 }, 'pgd has no parameter momentum'],
    ['another attack’s parameter', { tries: 3 }, 'pgd has no parameter tries'],
    ['zero steps', { steps: 0 }, '(parameter steps of pgd): got 0, expected at least 1'],
    ['half a step', { steps: 1.5 }, '(parameter steps of pgd): got 1.5'],
    ['text for a number', { steps: '40' }, '(parameter steps of pgd): got "40", expected'],
    ['NaN', { relStepSize: NaN }, '(parameter relStepSize of pgd): got NaN'],
    ['infinity', { stepSize: Infinity }, '(parameter stepSize of pgd): got Infinity'],
    ['a negative size', { stepSize: -1 }, '(parameter stepSize of pgd): got -1, expected above 0'],
    ['another loss', { loss: 'mse' }, '(parameter loss of pgd): got "mse", expected'],
    ['a big integer', { steps: 40n }, '(parameter steps of pgd): got '],
    ['null', { randomStart: null }, '(parameter randomStart of pgd): got null, expected'],
  ])('%s is one line', (_, params, text) => {
    const specify = (): unknown => registry.specify('pgd', params)
    expect(specify).toThrow(
      expect.objectContaining({
        code: 'GNT_ATTACK_PARAMS',
        exitCode: 2,
        message: expect.not.stringContaining('\n'),
      }),
    )
    expect(specify).toThrow(text)
  })

  it.each([0, -1, 1.5, NaN, Infinity])('%s restarts would attack nothing', (restarts) => {
    expect(() => registry.specify('pgd', {}, restarts)).toThrow(
      expect.objectContaining({ code: 'GNT_ATTACK_PARAMS' }),
    )
  })
})

describe.each(builtInAttacks.map((plugin) => [plugin.id, plugin] as const))('%s', (_, plugin) => {
  it('declares what it is', () => {
    expect(plugin.source).toMatch(/arXiv:\d{4}\.\d{4,5}|ecva\.net\/papers/)
    expect(plugin.norms.length).toBeGreaterThan(0)
    expect(plugin.goals.length).toBeGreaterThan(0)
    expect(plugin.needs.length).toBeGreaterThan(0)
    expect(plugin.restarts).toBeGreaterThanOrEqual(1)
  })

  it('describes each of its parameters', () => {
    const infos = describeParameters(plugin)
    expect(infos.map((info) => info.name)).toEqual(parameterNames(plugin))
    for (const info of infos) {
      expect(info.describe).not.toBe('')
      expect(info.type).not.toBe('value')
    }
  })
})
