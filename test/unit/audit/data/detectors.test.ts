import { describe, expect, it } from 'vitest'
import { judgeControl } from '../../../../src/audit/data/control.js'
import { builtInDetectors } from '../../../../src/audit/data/index.js'
import { softmax } from '../../../../src/audit/data/lib/softmax.js'
import { memorySource } from '../../../../src/audit/data/memory-source.js'
import { DetectorRegistry, missingNeeds, runDetector } from '../../../../src/audit/data/registry.js'
import type { AuditContext } from '../../../../src/audit/types.js'
import { plant, rates } from './planted.js'

const registry = new DetectorRegistry(builtInDetectors)
const run = (id: string, context: AuditContext) => runDetector(registry.choose(id), context)

const ofClasses = ['spectral-signatures', 'activation-clustering', 'spectre']

describe.each(ofClasses)('%s', (id) => {
  it.each([1, 2, 3])('finds a group of its own in a class (seed %i)', async (seed) => {
    const { context, isPoison } = plant({ seed, poison: 0.25 })
    const { suspects, scores, threshold } = await run(id, context)
    const found = rates(suspects, isPoison)
    expect(found.recall).toBeGreaterThan(0.95)
    expect(found.precision).toBeGreaterThan(0.9)
    for (const i of suspects) expect(scores[i]).toBeGreaterThan(threshold as number)
  })

  it.each([4, 5, 6])('keeps its rate on clean data (seed %i)', async (seed) => {
    const { context } = plant({ seed })
    expect(judgeControl(await run(id, context), 0.01)).toMatchObject({ isVoid: false })
  })

  it('does not fit classes of very different sizes', async () => {
    const counts = [1000, ...Array.from({ length: 7 }, () => 60)]
    const { context } = plant({ seed: 1, counts })
    expect((await run(id, context)).notApplicable).toBe('class shares differ 17-fold')
  })

  it('does not fit few classes', async () => {
    const { context } = plant({ seed: 1, classes: 3 })
    expect((await run(id, context)).notApplicable).toMatch(/fewer than 5 classes/)
  })

  it('gives the same answer again, and in other batches', async () => {
    const { context } = plant({ seed: 7, poison: 0.2 })
    const x: number[] = []
    const labels: number[] = []
    for await (const batch of context.source.batches()) {
      x.push(...batch.x)
      labels.push(...batch.labels)
    }
    const samples = { ...context.source, x: Float32Array.from(x), labels: Int32Array.from(labels) }
    const again = { ...context, source: memorySource(samples, 17) }
    const [one, other] = [await run(id, context), await run(id, again)]
    expect([...other.suspects]).toEqual([...one.suspects])
    expect(one.suspects.length).toBeGreaterThan(0)
  })
})

describe('strip', () => {
  it('finds samples that stay in their class whatever is laid over them', async () => {
    const { context, isPoison } = plant({ seed: 1, poison: 0.1 })
    const { model } = context
    // A trigger: the first value far out decides alone.
    const triggered = {
      ...model!,
      async scores(x: Float32Array) {
        const scores = await model!.scores(x)
        const [width = 1] = context.source.shape
        for (let r = 0; r < x.length / width; r++)
          if (x[r * width]! > 150) scores.fill(-50, r * 8 + 1, r * 8 + 8).fill(0, r * 8, r * 8 + 1)
        return scores
      },
    }
    const batches = context.source.batches
    const source = {
      ...context.source,
      range: [0, 300] as const,
      async *batches() {
        for await (const { from, x, labels } of batches()) {
          const own = x.slice()
          labels.forEach((_, r) => isPoison[from + r] && (own[r * 6] = 250))
          yield { from, x: own, labels }
        }
      },
    }
    const found = rates(
      (await run('strip', { ...context, source, model: triggered })).suspects,
      isPoison,
    )
    expect(found.recall).toBeGreaterThan(0.9)
    expect(found.falsePositives).toBeLessThan(0.03)
  })
})

describe('label-conflict', () => {
  it.each([0.05, 0.2])('finds a share of %f flipped labels', async (flips) => {
    const { context, isPoison } = plant({ seed: 2, flips })
    const { suspects, reasons } = await run('label-conflict', context)
    const found = rates(suspects, isPoison)
    expect(found.recall).toBeGreaterThan(0.95)
    expect(found.falsePositives).toBeLessThan(0.02)
    expect(reasons!.get(suspects[0]!)).toMatch(/^nearest to \d+ \(label \d\)$/)
  })

  it('keeps its rate on clean data', async () => {
    const { context } = plant({ seed: 3 })
    expect(judgeControl(await run('label-conflict', context), 0.01).isVoid).toBe(false)
  })

  it('asks for a model where features are wanted and there is none', async () => {
    const { context } = plant({ seed: 3 })
    const chosen = registry.choose('label-conflict', { space: 'features' })
    const { notApplicable } = await runDetector(chosen, { ...context, model: null })
    expect(notApplicable).toMatch(/no model/)
  })
})

const withProbabilities = async (context: AuditContext): Promise<AuditContext> => {
  const out: number[] = []
  for await (const { x, labels } of context.source.batches()) {
    const scores = await context.model!.scores(x)
    labels.forEach((_, r) => out.push(...softmax(scores, r, context.source.classes)))
  }
  return { ...context, outOfSample: Float32Array.from(out) }
}

describe('confident-learning', () => {
  it.each([0.05, 0.2])('finds a share of %f flipped labels', async (flips) => {
    const { context, isPoison } = plant({ seed: 2, flips })
    const { suspects, reasons } = await run('confident-learning', await withProbabilities(context))
    const found = rates(suspects, isPoison)
    expect(found.recall).toBeGreaterThan(0.9)
    expect(found.precision).toBeGreaterThan(0.95)
    expect(reasons!.get(suspects[0]!)).toMatch(/says \d \(p [01]\.\d\d\)$/)
  })

  it('keeps its rate on clean data', async () => {
    const { context } = plant({ seed: 3 })
    const found = await run('confident-learning', await withProbabilities(context))
    expect(judgeControl(found, 0.01).isVoid).toBe(false)
  })

  it('says what it needs', () => {
    const { context } = plant({ seed: 3 })
    expect(missingNeeds(registry.get('confident-learning'), context)).toEqual(['outOfSample'])
  })
})

describe('near-duplicates', () => {
  it('finds equal and nearly equal samples of two labels', async () => {
    const { context } = plant({ seed: 5, width: 20 })
    const x: number[] = []
    const labels: number[] = []
    for await (const batch of context.source.batches()) {
      x.push(...batch.x)
      labels.push(...batch.labels)
    }
    // Sample 200 (class 1) becomes sample 3 (class 0), sample 400 (class 2) nearly sample 5.
    for (let d = 0; d < 20; d++) {
      x[200 * 20 + d] = x[3 * 20 + d]!
      x[400 * 20 + d] = x[5 * 20 + d]! + 0.01
    }
    const samples = { ...context.source, x: Float32Array.from(x), labels: Int32Array.from(labels) }
    const found = await run('near-duplicates', { ...context, source: memorySource(samples) })
    expect([...found.suspects]).toEqual([3, 5, 200, 400])
    expect(found.reasons!.get(3)).toBe('equal to 200 (label 1)')
    expect(found.reasons!.get(400)).toBe('nearly 5 (label 0)')
  })

  it('finds nothing in clean data', async () => {
    const { context } = plant({ seed: 6 })
    expect((await run('near-duplicates', context)).suspects).toHaveLength(0)
  })
})

describe('the registry', () => {
  it('names the nearest detector', () => {
    expect(() => registry.choose('spectrl')).toThrow(/did you mean spectre\?/)
  })

  it('names a wrong parameter', () => {
    expect(() => registry.choose('spectre', { dims: 1 })).toThrow(/parameter dims of spectre/)
  })

  it('refuses two of one id', () => {
    expect(() => new DetectorRegistry([...builtInDetectors, builtInDetectors[0]!])).toThrow(
      /two detectors are called spectral-signatures/,
    )
  })
})
