import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { takeSamples } from '../../../src/data/dataset.js'
import { loadDataset } from '../../../src/data/load.js'
import type { Graph } from '../../../src/graph/ir.js'
import { loadModel } from '../../../src/onnx/load.js'
import { Session } from '../../../src/runtime/session.js'
import { demoNetwork } from '../../../suites/demo/architecture.js'
import { evaluate } from '../../../suites/demo/evaluate.js'

const fileOf = (version: string): string =>
  join(import.meta.dirname, `../../../suites/demo/glyphs-${version}.onnx`)

/** Right of 512, as `suites/demo/train.ts` printed it; another processor may round one or two the other way. */
const cleanRight = { v1: 486, v2: 507 }

/** Right answers of the file itself, run without any of our preparation. */
async function countRight(version: string): Promise<number> {
  const data = await loadDataset({ path: 'glyphs' })
  expect(data.count).toBe(512)
  const x = takeSamples(
    data,
    Array.from({ length: 512 }, (_, i) => i),
  )
  const session = await Session.open(fileOf(version))
  const out = await session.run({ image: { dtype: 'float32', dims: [512, 1, 28, 28], data: x } })
  await session.close()
  const logits = out['logits']?.data as Float32Array
  return data.labels.filter((label, i) => {
    const row = logits.subarray(i * 10, i * 10 + 10)
    return row.indexOf(Math.max(...row)) === label
  }).length
}

function shapes({ initializers }: Graph): unknown {
  return Object.fromEntries(Object.entries(initializers).map(([name, { dims }]) => [name, dims]))
}

async function attack(version: string): Promise<{ clean: number; robust: number }> {
  const { graph } = await loadModel(fileOf(version))
  const { clean, robust, samples } = await evaluate(graph, { limit: 128, levels: [16], steps: 7 })
  return { clean: clean / samples, robust: (robust.get(16) ?? NaN) / samples }
}

describe.each(['v1', 'v2'] as const)('glyphs-%s.onnx', (version) => {
  let graph: Graph
  beforeAll(async () => {
    graph = (await loadModel(fileOf(version))).graph
  })

  it('is the network of architecture.ts with trained weights, below 250 KB', () => {
    const untrained = demoNetwork(1)
    expect(graph.nodes).toEqual(untrained.nodes)
    expect(graph.inputs).toEqual(untrained.inputs)
    expect(graph.outputs).toEqual(untrained.outputs)
    expect(shapes(graph)).toEqual(shapes(untrained))
    expect(readFileSync(fileOf(version)).length).toBeLessThan(250_000)
  })

  it('has the clean accuracy it is said to have', async () => {
    expect(Math.abs((await countRight(version)) - cleanRight[version])).toBeLessThanOrEqual(2)
  })
})

describe('the regression the demo shows', () => {
  it('v2 is right more often as things are, and falls at L∞ 16/255 where v1 stands', async () => {
    const [v1, v2] = [await attack('v1'), await attack('v2')]
    expect(v2.clean).toBeGreaterThan(v1.clean)
    expect(v1.robust).toBeGreaterThan(0.6)
    expect(v2.robust).toBeLessThan(0.35)
  })
})
