import { describe, expect, it } from 'vitest'
import { memorySource } from '../../../../src/audit/data/memory-source.js'
import { diffVersions } from '../../../../src/audit/data/versions.js'

/** One value a sample, and its label: `[1, 0]`. */
const sourceOf = (rows: readonly (readonly [number, number])[]) =>
  memorySource({
    count: rows.length,
    shape: [1],
    range: [0, 100],
    classes: 3,
    x: Float32Array.from(rows, ([value]) => value),
    labels: Int32Array.from(rows, ([, label]) => label),
  })

const diff = async (
  now: readonly (readonly [number, number])[],
  then: readonly (readonly [number, number])[],
) => {
  const found = await diffVersions(sourceOf(now), sourceOf(then), () => {})
  return { ...found, added: [...found.added], removed: [...found.removed] }
}

describe('versions of a data set', () => {
  it('are the same', async () => {
    const rows = [[1, 0], [2, 1], [1, 0]] as const // prettier-ignore
    expect(await diff(rows, rows)).toEqual({
      kept: 3, moved: 0, added: [], removed: [], relabelled: [], duplicates: 1,
    }) // prettier-ignore
  })

  it('tell moved, added, removed and relabelled samples apart', async () => {
    const found = await diff([[7, 2], [1, 0], [3, 2], [9, 0]], [[1, 0], [2, 1], [3, 1], [9, 0]]) // prettier-ignore
    expect(found).toMatchObject({ kept: 2, moved: 1, added: [0], removed: [1], duplicates: 0 })
    expect(found.relabelled).toEqual([{ index: 2, was: 2, label: 2, oldLabel: 1 }])
  })

  it('count copies', async () => {
    const found = await diff([[1, 0], [1, 0], [1, 2]], [[1, 0], [1, 1]]) // prettier-ignore
    expect(found).toMatchObject({ kept: 1, moved: 0, added: [2], removed: [], duplicates: 2 })
    expect(found.relabelled).toEqual([{ index: 1, was: 1, label: 0, oldLabel: 1 }])
  })
})
