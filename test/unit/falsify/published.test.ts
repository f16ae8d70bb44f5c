import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Falsifier } from '../../../src/falsify/falsify.js'

/** A few properties of the VNN competition; test/bench/falsify.mjs takes them all. */
const folder = join(import.meta.dirname, '../../../../shared/data/vnncomp')
const list = join(folder, 'instances.csv')
const chosen = [
  'acasxu-000',
  'acasxu-002',
  'acasxu-003',
  'control_tabular-008',
  'control_tabular-010',
  'mnist_fc-004',
  'mnist_fc-008',
  'cifar10_cnn_targeted-017',
  'cifar10_kw_oval21-005',
  'cifar10_advresnet_a-001',
  'cifar10_advresnet_2b4b-000',
]

const instances = existsSync(list)
  ? readFileSync(list, 'utf8')
      .split(/\r?\n/)
      .map((line) => line.split(','))
      .filter(([id = '']) => chosen.includes(id))
  : []
if (instances.length === 0) console.info('skipped: ../shared/data/vnncomp is absent')

describe.skipIf(instances.length === 0)('published properties', () => {
  const falsifier = new Falsifier()
  afterAll(() => falsifier.close())

  for (const [id = '', model = '', property = '', , expected] of instances)
    it(`${id}: ${expected}`, async () => {
      const { result } = await falsifier.run({
        model: join(folder, model),
        property: join(folder, property),
        timeoutMs: expected === 'sat' ? 30_000 : 1500,
        seed: 1,
      })
      expect(result).toBe(expected === 'sat' ? 'sat' : 'unknown')
    })
})
