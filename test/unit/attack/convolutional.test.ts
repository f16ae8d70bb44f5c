import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pgd } from '../../../attacks/evasion/pgd.js'
import { runAttack } from '../../../src/attack/host.js'
import { AttackRegistry } from '../../../src/attack/registry.js'
import { loadModel } from '../../../src/onnx/load.js'
import { publicModels } from '../../helpers/graphs.js'
import { openModel, predictionsOf, samplesOf } from '../../helpers/networks.js'

const networks = publicModels.filter((path) => /cifar_base_kw|resnet_3b2|cifar10_small/.test(path))

/** Convolutions run in another layout and by other kernels than matrices do. */
describe.skipIf(networks.length === 0).each(networks.map((path) => [basename(path), path]))(
  '%s',
  (_, path) => {
    it.each(['linf', 'l2', 'l1'] as const)('%s: any batch gives the same bytes', async (norm) => {
      const { graph } = await loadModel(path)
      const sampleShape = [3, 32, 32]
      const [n, epsilon] = [11, { linf: 8 / 255, l2: 0.5, l1: 10 }[norm]]
      const model = await openModel(graph, { sampleShape })
      const x = samplesOf(n, sampleShape)
      const labels = await predictionsOf(model, x, n)
      const results: string[] = []
      for (const batch of [16, 7, 1, 64]) {
        const { outcomes, xAdv } = await runAttack({
          model,
          plugin: pgd,
          spec: new AttackRegistry([pgd]).specify('pgd', { steps: 3 }),
          threat: { norm, epsilon, bounds: [0, 1], goal: { kind: 'untargeted' } },
          x,
          labels,
          samples: Array.from({ length: n }, (__, i) => i),
          seed: 1,
          batch,
          isCancelled: () => false,
        })
        results.push(JSON.stringify(outcomes) + Buffer.from(xAdv.buffer).toString('base64'))
      }
      expect(new Set(results).size).toBe(1)
      await model.close()
    })
  },
)
