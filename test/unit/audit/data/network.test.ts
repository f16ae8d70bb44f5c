import { describe, expect, it } from 'vitest'
import { memorySource } from '../../../../src/audit/data/memory-source.js'
import { trainAuditModel, type OpenModel } from '../../../../src/audit/data/network.js'
import { createRng } from '../../../../src/util/rng.js'

const [count, classes, shape] = [60, 3, [1, 8, 8]] as const
const rng = createRng('audit network')
const labels = Int32Array.from({ length: count }, (_, i) => i % classes)
const x = Float32Array.from({ length: count * 64 }, (_, k) => {
  const label = labels[Math.floor(k / 64)]!
  return 0.3 * rng.uniform() + ((k % 64) % classes === label ? 0.7 : 0)
})
const source = memorySource({ count, classes, shape: [...shape], range: [0, 1], x, labels })

async function withModel(
  seed: number,
  use: (model: OpenModel, epochs: readonly number[]) => Promise<void>,
): Promise<void> {
  const epochs: number[] = []
  const onEpoch = (epoch: number): void => void epochs.push(epoch)
  const model = await trainAuditModel(source, { seed, checkpoint() {}, onEpoch })
  try {
    await use(model, epochs)
  } finally {
    await model.close()
  }
}

describe('the model that detectors look through', () => {
  it('learns the data, and has the features of networks from other first weights side by side', async () => {
    await withModel(1, async (model, epochs) => {
      expect(epochs).toEqual(Array.from({ length: epochs.length }, (_, k) => k + 1))
      const scores = await model.scores(x)
      const right = labels.filter((label, i) => {
        const row = scores.subarray(i * classes, (i + 1) * classes)
        return row.indexOf(Math.max(...row)) === label
      })
      expect(right.length).toBe(count)
      const all = await model.features(x)
      expect(all.length).toBe(count * model.featureWidth)
      // Row by row the same as all at once.
      const last = await model.features(x.slice(-64))
      last.forEach((value, i) =>
        expect(value).toBeCloseTo(all[all.length - model.featureWidth + i]!, 4),
      )
      const half = model.featureWidth / 2
      expect(last.slice(0, half)).not.toEqual(last.slice(half))
    })
  }, 60_000)

  it('is the same for the same seed', async () => {
    const found: Float32Array[] = []
    for (const seed of [4, 4, 5])
      await withModel(seed, async (model) => {
        found.push(await model.features(x.slice(0, 64)))
      })
    expect(found[1]).toEqual(found[0])
    expect(found[2]).not.toEqual(found[0])
  }, 60_000)
})
