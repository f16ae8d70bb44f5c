import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadDataset } from '../../../src/data/load.js'
import type { DatasetSpec } from '../../../src/data/dataset.js'

const root = new URL('../../../../shared/data/', import.meta.url)

const sets: readonly (DatasetSpec & {
  count: number
  shape: number[]
  classes: number
  bounds: number[]
})[] = [
  {
    path: 'cifar10-robust/images.npz',
    count: 212,
    shape: [3, 32, 32],
    classes: 10,
    bounds: [0, 1],
  },
  { path: 'mnist/images.npz', count: 30, shape: [1, 28, 28], classes: 10, bounds: [0, 1] },
  {
    path: 'digits/digits.npz',
    range: [0, 16],
    count: 1797,
    shape: [1, 8, 8],
    classes: 10,
    bounds: [0, 16],
  },
  { path: 'tabular/breast_cancer.csv', count: 569, shape: [30], classes: 2, bounds: [0, 4254] },
]

describe.each(sets)('$path', ({ count, shape, classes, bounds, ...spec }) => {
  const file = new URL(spec.path, root)
  it('loads as its README describes it', async ({ skip }) => {
    if (!existsSync(file)) {
      console.info(`skipped: ../shared/data/${spec.path} is absent`)
      skip()
    }
    const set = await loadDataset({ ...spec, path: file.pathname })
    expect(set).toMatchObject({ count, shape, classes, range: bounds })
  })
})
