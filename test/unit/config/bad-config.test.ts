import { describe, expect, it } from 'vitest'
import { checkConfig } from '../../../src/config/load.js'
import { GauntletError } from '../../../src/errors.js'

const model = { version: 'v1', path: 'v1.onnx' }
const good = { data: 'test.npz', models: [model] }
const floor = { id: 'f', kind: 'floor', metric: 'cleanAccuracy', min: 0.5 }
const suite = {
  id: 'own',
  title: 'Own',
  attacks: [{ use: 'pgd' }],
  threats: [{ norm: 'linf', epsilon: '8/255' }],
}
const models = (...more: object[]) => ({
  ...good,
  models: more.map((one) => ({ ...model, ...one })),
})
const gate = (rule: object, more: object = {}) => ({ ...good, gate: { rules: [rule], ...more } })

/** Label, configuration, where the message points, and what else it must say. */
const cases: readonly [string, unknown, string, string][] = [
  ['an empty file', null, '', 'expected an object'],
  ['a list', [], '', 'got []'],
  ['no data', { models: [model] }, 'data', 'missing value'],
  ['data of a wrong type', { ...good, data: 7 }, 'data', 'got 7, expected a text or an object'],
  ['a misspelt top key', { ...good, modles: [] }, 'modles', 'did you mean models?'],
  ['a misspelt key that was needed', { dta: 'x', models: [model] }, 'dta', 'did you mean data?'],
  [
    'a misspelt key of a model',
    models({}, { version: 'v2', maen: [0] }),
    'models[1].maen',
    'did you mean mean?',
  ],
  [
    'a misspelt key of the data',
    { ...good, data: { path: 'x', lables: 'y' } },
    'data.lables',
    'did you mean labels?',
  ],
  ['no models', { ...good, models: [] }, 'models', 'at least 1 entries'],
  ['two versions of one name', models({}, {}), 'models[1].version', 'no version before it has'],
  [
    'a reserved version',
    models({ version: 'previous' }),
    'models[0].version',
    'other than previous',
  ],
  ['std of 0', models({ std: [0] }), 'models[0].std[0]', 'expected above 0'],
  [
    'std and mean of two lengths',
    models({ mean: [0, 0, 0], std: [1] }),
    'models[0].std',
    'as many values as mean: 3',
  ],
  ['an unknown layout', models({ layout: 'chw' }), 'models[0].layout', 'one of nchw, nhwc'],
  [
    'a range upside down',
    { ...good, data: { path: 'x', range: [1, 0] } },
    'data.range',
    'LOW below HIGH',
  ],
  [
    'a range that is none',
    { ...good, data: { path: 'x', range: '0-255' } },
    'data.range',
    '0..255',
  ],
  ['a limit of 0', { ...good, data: { path: 'x', limit: 0 } }, 'data.limit', 'at least 1'],
  ['half a worker', { ...good, workers: 0.5 }, 'workers', 'a whole number'],
  ['no worker', { ...good, workers: 0 }, 'workers', 'at least 1'],
  ['an unknown device', { ...good, devices: ['gpu'] }, 'devices[0]', 'one of cpu, cuda'],
  [
    'an unknown format',
    { ...good, report: { formats: ['pdf'] } },
    'report.formats[0]',
    'one of html',
  ],
  [
    'an unknown key of the report',
    { ...good, report: { dir: 'x' } },
    'report.dir',
    'one of folder, formats',
  ],
  [
    'an epsilon that is no number',
    { ...good, suites: [{ ...suite, threats: [{ norm: 'linf', epsilon: '8/0' }] }] },
    'suites[0].threats[0].epsilon',
    'a fraction such as 8/255',
  ],
  [
    'one wrong epsilon of several',
    { ...good, suites: [{ ...suite, threats: [{ norm: 'linf', epsilon: [1, -1] }] }] },
    'suites[0].threats[0].epsilon[1]',
    'above 0',
  ],
  [
    'a misspelt key of a threat',
    { ...good, suites: ['quick', { ...suite, threats: [{ nrom: 'l2', epsilon: 1 }] }] },
    'suites[1].threats[0].nrom',
    'did you mean norm?',
  ],
  [
    'an unknown target',
    {
      ...good,
      suites: [{ ...suite, threats: [{ norm: 'l2', epsilon: 1, goal: { target: 'best' } }] }],
    },
    'suites[0].threats[0].goal.target',
    'random',
  ],
  [
    'an unknown kind of rule',
    gate({ ...floor, kind: 'flor' }),
    'gate.rules[0].kind',
    'floor, non-inferiority, required-attacks',
  ],
  [
    'a key of another kind of rule',
    gate({ ...floor, margin: 0.1 }),
    'gate.rules[0].margin',
    'metric, min, confidence',
  ],
  ['a share above 1', gate({ ...floor, min: 95 }), 'gate.rules[0].min', 'at most 1'],
  [
    'two rules of one id',
    { ...good, gate: { rules: [floor, floor] } },
    'gate.rules[1].id',
    'no rule before it has',
  ],
  [
    'an unknown baseline',
    gate(floor, { baseline: 'v0' }),
    'gate.baseline',
    'one of previous, first, baseline:NAME',
  ],
  [
    'a waiver without a date',
    gate(floor, { waivers: [{ rule: 'f', reason: 'x', expires: 'soon' }] }),
    'gate.waivers[0].expires',
    '2026-12-31',
  ],
]

describe('a wrong configuration', () => {
  it.each(cases)('%s is one line that names the place', (_label, value, path, says) => {
    const error = errorOf(() => checkConfig(value, 'gauntlet.config.json'))
    expect(error.code).toBe('GNT_CONFIG')
    expect(error.exitCode).toBe(2)
    expect(error.message).not.toContain('\n')
    expect(error.detail.where).toBe(`gauntlet.config.json${path ? `: ${path}` : ''}`)
    expect(error.message).toContain(says)
    expect(error.message.length).toBeLessThan(300)
  })
})

function errorOf(call: () => unknown): GauntletError {
  try {
    call()
  } catch (error) {
    if (error instanceof GauntletError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
