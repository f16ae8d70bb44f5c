import { pgd } from '../../attacks/evasion/pgd.js'
import { runAttack } from '../../src/attack/host.js'
import { AttackRegistry } from '../../src/attack/registry.js'
import { takeSamples } from '../../src/data/dataset.js'
import { loadDataset } from '../../src/data/load.js'
import type { Graph } from '../../src/graph/ir.js'
import { ModelHandle } from '../../src/model/handle.js'
import { prepareModel } from '../../src/model/prepare.js'

/** The L∞ radii at which the demo looks at its models, in grey levels of 255. */
const demoLevels: readonly number[] = [8, 16, 24]

export interface DemoScore {
  /** Samples of the demo's data set (glyphs, seed 1) that were looked at. */
  readonly samples: number
  /** Of these, classified right as they are, and still right under PGD, by level. */
  readonly clean: number
  readonly robust: ReadonlyMap<number, number>
}

/** Attacks a demo model the way the harness does, on the demo's own data. */
export async function evaluate(
  graph: Graph,
  { limit = 512, levels = demoLevels, steps = 20 } = {},
): Promise<DemoScore> {
  const data = await loadDataset({ path: 'glyphs', seed: 1, limit })
  const samples = Array.from({ length: data.count }, (_, i) => i)
  const registry = new AttackRegistry([pgd])
  const model = await ModelHandle.open(await prepareModel(graph, { sampleShape: [1, 28, 28] }))
  try {
    const robust = new Map<number, number>()
    let clean = 0
    for (const level of levels) {
      const { outcomes } = await runAttack({
        model,
        plugin: registry.get('pgd'),
        spec: registry.specify('pgd', { steps }),
        threat: {
          norm: 'linf',
          epsilon: level / 255,
          bounds: [0, 1],
          goal: { kind: 'untargeted' },
        },
        x: takeSamples(data, samples),
        labels: data.labels,
        samples,
        seed: 1,
        batch: 64,
        isCancelled: () => false,
      })
      const right = outcomes.filter((one) => one.cleanPrediction === one.label)
      clean = right.length
      robust.set(level, right.filter((one) => !one.success).length)
    }
    return { samples: data.count, clean, robust }
  } finally {
    await model.close()
  }
}
