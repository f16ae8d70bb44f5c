import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Outcome } from '../../src/plan/task.js'
import { runCli } from '../helpers/cli.js'
import { latestOutcomes, makeTinyProject, writeTinyConfig } from '../helpers/tiny-project.js'

interface Variant {
  readonly workers: number
  readonly batch: number
  readonly seed?: number
}

const suites = [
  {
    id: 'all-norms',
    title: 'All norms',
    attacks: [
      { use: 'pgd', params: { steps: 15 }, restarts: 2 },
      { use: 'noise', params: { tries: 5 } },
    ],
    threats: [
      { norm: 'linf', epsilon: ['3/255'] },
      { norm: 'l2', epsilon: [0.2] },
      { norm: 'l1', epsilon: [2] },
      { norm: 'linf', epsilon: ['8/255'], goal: { target: 'random' } },
    ],
  },
]

describe('the same seed', () => {
  let folder: string
  let reference: Map<string, readonly Outcome[]>
  beforeAll(async () => {
    folder = await makeTinyProject()
    reference = await outcomesWith({ workers: 1, batch: 64 })
  }, 60_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  async function outcomesWith({
    workers,
    batch,
    seed = 1,
  }: Variant): Promise<Map<string, readonly Outcome[]>> {
    const name = `w${workers}-b${batch}-s${seed}`
    const change = {
      suites,
      workers,
      batch,
      seed,
      // Not a multiple of either batch: some calls are padded.
      data: { path: 'glyphs', limit: 90 },
      store: `${name}.db`,
      report: { folder: name, formats: ['json'] },
    }
    writeTinyConfig(folder, { change }, `${name}.json`)
    const { code } = await runCli(['run', '-c', `${name}.json`], folder)
    expect(code).toBe(0)
    const cells = await latestOutcomes(folder, `${name}.db`)
    return new Map(cells.map(({ cell, outcomes }) => [cell.id, outcomes]))
  }

  const same: readonly Variant[] = [
    { workers: 2, batch: 64 },
    { workers: 1, batch: 16 },
    { workers: 2, batch: 16 },
    { workers: 2, batch: 1 },
  ]
  for (const variant of same)
    it(`gives the same outcomes with ${variant.workers} workers and batch ${variant.batch}`, async () => {
      const found = await outcomesWith(variant)
      expect([...found.keys()]).toEqual([...reference.keys()])
      for (const [cell, outcomes] of reference) {
        const others = found.get(cell) ?? []
        expect(others.map(decided), cell).toEqual(outcomes.map(decided))
        const apart = outcomes.map(({ distance }, i) =>
          Math.abs(distance - (others[i]?.distance ?? Number.NaN)),
        )
        expect(Math.max(...apart), cell).toBeLessThan(1e-6)
      }
    }, 60_000)

  it('decides something: some samples fall and some stand, in every norm', () => {
    for (const [cell, outcomes] of reference) {
      if (!cell.includes('PGD')) continue
      const fallen = outcomes.filter(({ success }) => success).length
      expect(fallen, cell).toBeGreaterThan(0)
      expect(fallen, cell).toBeLessThan(outcomes.length)
    }
  })

  it('is what decides: another one differs somewhere', async () => {
    const other = await outcomesWith({ workers: 2, batch: 64, seed: 2 })
    const differs = [...reference].some(([cell, outcomes]) =>
      outcomes.some(({ distance }, i) => distance !== other.get(cell)?.[i]?.distance),
    )
    expect(differs).toBe(true)
  }, 60_000)
})

/** All but the distance, which is compared as a number. */
function decided(outcome: Outcome): Outcome {
  return { ...outcome, distance: 0 }
}
