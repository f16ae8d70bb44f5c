import { beforeAll, describe, expect, it } from 'vitest'
import { fgsm } from '../../../attacks/evasion/fgsm.js'
import { noise } from '../../../attacks/evasion/noise.js'
import { pgd } from '../../../attacks/evasion/pgd.js'
import { square } from '../../../attacks/evasion/square.js'
import { runAttack } from '../../../src/attack/host.js'
import { AttackRegistry } from '../../../src/attack/registry.js'
import type { AttackPlugin } from '../../../src/attack/types.js'
import type { Graph } from '../../../src/graph/ir.js'
import { rateTrust } from '../../../src/trust/rate.js'
import { resultFindings } from '../../../src/trust/results/index.js'
import type { Finding } from '../../../src/trust/finding.js'
import type { ResultCell } from '../../../src/trust/results/types.js'
import { binarized, shattered } from '../../helpers/broken-models.js'
import { demoGraph, glyphs, linf } from '../../helpers/examination.js'
import { openModel } from '../../helpers/networks.js'

const plugins = [fgsm, pgd, square, noise]
const registry = new AttackRegistry(plugins)
const runs: readonly [AttackPlugin, Record<string, unknown>, boolean][] = [
  [fgsm, {}, false],
  [pgd, { steps: 20 }, false],
  [square, { queries: 300 }, false],
  [noise, { tries: 50 }, false],
  [pgd, { steps: 20 }, true],
]

let [trained, undefended]: Graph[] = []
beforeAll(async () => {
  trained = await demoGraph('v1')
  undefended = await demoGraph('v2')
})

const kinds = (id: string): AttackPlugin | undefined => plugins.find((one) => one.id === id)

/** A suite on a real network, read as a run's results are. */
async function findings(graph: Graph, surrogate: Graph): Promise<readonly Finding[]> {
  const [model, other] = [await openModel(graph), await openModel(surrogate)]
  const data = glyphs(128)
  const cells: ResultCell[] = []
  for (const epsilon of [8 / 255, 16 / 255, 24 / 255])
    for (const [plugin, params, isTransfer] of runs) {
      const threat = linf(epsilon)
      const how = isTransfer ? { surrogate: 'other' } : {}
      const spec = registry.specify(plugin.id, params, undefined, how)
      const { outcomes } = await runAttack({
        model,
        plugin,
        spec,
        threat,
        ...data,
        ...(isTransfer ? { surrogate: other } : {}),
        seed: 1,
        batch: 64,
        isCancelled: () => false,
      })
      cells.push({ attack: spec, threat, outcomes, complete: true })
    }
  await model.close()
  await other.close()
  return resultFindings({ version: 'v', cells, kinds })
}

const of = (found: readonly Finding[], severity: string): string[] => [
  ...new Set(found.filter((one) => one.severity === severity).map(({ signal }) => signal)),
]

describe('the results of a suite on a real network', () => {
  it.each([
    ['undefended', () => undefended!],
    ['adversarially trained', () => trained!],
  ])('%s: no signal of masked gradients', async (_, graph) => {
    const found = await findings(graph(), undefended!)
    expect(of(found, 'error')).toEqual([])
    // PGD-20 alone is weak: what Square or another network finds beyond it is told, as a warning.
    for (const signal of ['E1', 'E3', 'E6', 'E12'])
      expect(found.map((one) => one.signal)).not.toContain(signal)
    expect(rateTrust(found)).not.toBe('void')
  })

  it.each([
    ['gradients that point anywhere', shattered],
    ['gradients that are zero all but everywhere', binarized],
  ])('%s: random search, scores and other networks find what gradients miss', async (_, broken) => {
    const found = await findings(broken(undefended!), undefended!)
    expect(of(found, 'error')).toEqual(expect.arrayContaining(['E2', 'E4']))
    expect(rateTrust(found)).toBe('void')
  })
})
