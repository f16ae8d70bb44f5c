import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GauntletError } from '../../src/errors.js'
import type { Store } from '../../src/store/store.js'
import { describeResults } from './store-results.js'
import { describeRuns } from './store-runs.js'
import { notFound, sampleCell, sampleResult, sampleRun, sampleTask } from './store-samples.js'

/** An empty store of some kind, made for one test. */
export interface StoreUnderTest {
  /** Opens it; a second call opens the same data again, by another connection. */
  open(): Promise<Store>
  remove(): Promise<void>
}

/** The open store of the test that is running. */
export interface CurrentStore {
  readonly store: Store
  reopen(): Promise<void>
}

/** What every kind of store must do. A new kind joins by one call. */
export function describeStore(kind: string, create: () => Promise<StoreUnderTest>): void {
  describe(`${kind} store`, () => {
    let place: StoreUnderTest
    let store: Store
    beforeEach(async () => {
      place = await create()
      store = await place.open()
    })
    afterEach(async () => {
      await store.close()
      await place.remove()
    })

    const reopen = async (): Promise<void> => {
      await store.close()
      store = await place.open()
    }
    const current: CurrentStore = {
      get store() {
        return store
      },
      reopen,
    }

    describeRuns(current)
    describeResults(current)

    describe('baselines', () => {
      it('point where they were last set, and keep their history', async () => {
        await store.createRun(sampleRun('one'))
        await store.createRun(sampleRun('two'))
        expect(await store.getBaseline('main')).toBeUndefined()
        await store.setBaseline('main', 'one', 'v1', '')
        await store.setBaseline('älter', 'one', 'v1', 'kept')
        await store.setBaseline('main', 'two', 'v1', 'accepted: 検査')
        await reopen()
        expect(await store.getBaseline('main')).toMatchObject({
          name: 'main',
          runId: 'two',
          version: 'v1',
          note: 'accepted: 検査',
        })
        const history = await store.baselineHistory('main')
        expect(history.map(({ runId, note }) => [runId, note])).toEqual([
          ['two', 'accepted: 検査'],
          ['one', ''],
        ])
        const all = await store.listBaselines()
        expect(all.map(({ name, runId }) => [name, runId])).toEqual([
          ['main', 'two'],
          ['älter', 'one'],
        ])
        expect(await store.baselineHistory('none')).toEqual([])
      })

      it('must name a run and a version that are there', async () => {
        await store.createRun(sampleRun('one'))
        await expect(store.setBaseline('main', 'none', 'v1', '')).rejects.toMatchObject(
          notFound(/no such run/),
        )
        await expect(store.setBaseline('main', 'one', 'v9', '')).rejects.toMatchObject(
          notFound(/got v9, expected v1/),
        )
        expect(await store.listBaselines()).toEqual([])
      })
    })

    it('refuses text that would not come back as it went in', async () => {
      for (const title of ['a\0b', 'half \ud800 pair']) {
        const saved = store.createRun(sampleRun('run', { title }))
        await expect(saved).rejects.toBeInstanceOf(GauntletError)
        await expect(saved).rejects.toMatchObject({ code: 'GNT_STORE' })
      }
      expect(await store.listRuns()).toEqual([])
    })

    it('serves calls that are made at once', async () => {
      const tasks = Array.from({ length: 20 }, (_, i) => sampleTask(i, i * 3, i * 3 + 3))
      await store.createRun(sampleRun('run', { cells: [sampleCell(tasks)] }))
      const saved = await Promise.all(
        [...tasks, ...tasks].map((task) => store.saveResult(task, sampleResult(task))),
      )
      expect(saved.filter(Boolean)).toHaveLength(20)
      const [a, b] = await Promise.all([store.outcomesOf('run'), store.outcomesOf('run')])
      expect(a[0]?.complete).toBe(true)
      expect(b).toEqual(a)
    })

    it('is seen and written by two connections', async () => {
      const other = await place.open()
      try {
        const task = sampleTask(1, 0, 4)
        await store.createRun(sampleRun('run', { cells: [sampleCell([task])] }))
        expect(await other.saveResult(task, sampleResult(task))).toBe(true)
        expect(await store.saveResult(task, sampleResult(task))).toBe(false)
        expect(await store.outcomesOf('run')).toEqual(await other.outcomesOf('run'))
      } finally {
        await other.close()
      }
    })

    it('can be closed twice, and does not answer afterwards', async () => {
      await store.close()
      await store.close()
      await expect(store.listRuns()).rejects.toThrow()
    })
  })
}
