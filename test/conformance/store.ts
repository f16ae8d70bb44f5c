import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GauntletError } from '../../src/errors.js'
import type { Store } from '../../src/store/store.js'
import {
  sampleCell,
  sampleKey,
  sampleOutcome,
  sampleResult,
  sampleRun,
  sampleTask,
} from './store-samples.js'

/** An empty store of some kind, made for one test. */
export interface StoreUnderTest {
  /** Opens it; a second call opens the same data again, by another connection. */
  open(): Promise<Store>
  remove(): Promise<void>
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

    const idOf = async (reference: string): Promise<string> => (await store.getRun(reference)).id
    const reopen = async (): Promise<void> => {
      await store.close()
      store = await place.open()
    }

    describe('runs', () => {
      it('gives back the plan as it was, also after reopening', async () => {
        const tasks = [sampleTask(1, 0, 4), sampleTask(2, 4, 7)]
        const run = sampleRun('run-1', {
          title: 'Ünïcödé – 検査 🛡 "quoted" \' ; drop table runs',
          seed: 2 ** 53 - 1,
          manifest: {
            empty: {},
            list: [1, 'two', null, true],
            nul: 'a\0b',
            half: '\ud800',
            at: NaN,
          },
          cells: [
            sampleCell(tasks, { id: 'b' }),
            sampleCell([sampleTask(3, 0, 9)], {
              id: 'a',
              model: {
                version: 'v2',
                path: 'm.onnx',
                digest: 'd2',
                mean: [0.5],
                constants: { k: [1] },
              },
              threat: {
                norm: 'l2',
                epsilon: 0.1 + 0.2,
                bounds: [-Infinity, Infinity],
                goal: { kind: 'targeted', target: 3 },
              },
            }),
            sampleCell(tasks, { id: 'nothing to do', tasks: [], from: 0, to: 0 }),
          ],
        })
        await store.createRun(run)
        await reopen()
        const { status, createdAt, updatedAt, ...plan } = await store.getRun('run-1')
        expect(plan).toEqual(run)
        expect(status).toBe('running')
        expect(new Date(createdAt).toISOString()).toBe(createdAt)
        expect(updatedAt).toBe(createdAt)
      })

      it('takes plans with more cells and tasks than fit one statement', async () => {
        const cells = Array.from({ length: 1200 }, (_, i) =>
          sampleCell([sampleTask(2 * i, 0, 4), sampleTask(2 * i + 1, 4, 8)], { id: `cell-${i}` }),
        )
        await store.createRun(sampleRun('large', { cells }))
        expect((await store.getRun('large')).cells).toEqual(cells)
      })

      it('finds a run by id, by the start of its id and as the latest', async () => {
        for (const id of ['2026-a1', '2026-a1b', '2026_c', '100%'])
          await store.createRun(sampleRun(id))
        expect(await idOf('2026-a1')).toBe('2026-a1')
        expect(await idOf('2026-a1b')).toBe('2026-a1b')
        expect(await idOf('2026_')).toBe('2026_c')
        expect(await idOf('1')).toBe('100%')
        expect(await idOf('latest')).toBe('100%')
      })

      it('says which runs there are when a reference fits none or several', async () => {
        await expect(store.getRun('latest')).rejects.toMatchObject(notFound(/no runs/))
        await store.createRun(sampleRun('2026-a'))
        await store.createRun(sampleRun('2026-b'))
        await expect(store.getRun('2026-')).rejects.toMatchObject(notFound(/2026-b, 2026-a/))
        await expect(store.getRun('%')).rejects.toMatchObject(notFound(/2026-b, 2026-a/))
        await expect(store.getRun('')).rejects.toMatchObject(notFound(/no such run/))
      })

      it('refuses a second run of the same id and keeps the first', async () => {
        await store.createRun(sampleRun('one'))
        const again = store.createRun(sampleRun('one', { title: 'second', cells: [] }))
        await expect(again).rejects.toMatchObject({ code: 'GNT_STORE' })
        expect(await store.getRun('one')).toMatchObject(sampleRun('one'))
      })

      it.each(['', 'latest'])('does not let a run be called %j', async (id) => {
        await expect(store.createRun(sampleRun(id))).rejects.toThrow('cannot be called')
      })

      it('keeps no half of a run whose plan is wrong', async () => {
        const cell = sampleCell([sampleTask(1, 0, 4)])
        await expect(store.createRun(sampleRun('twice', { cells: [cell, cell] }))).rejects.toThrow()
        await expect(
          store.createRun(
            sampleRun('twice', { cells: [{ ...cell, tasks: [sampleKey(1), sampleKey(1)] }] }),
          ),
        ).rejects.toThrow()
        expect(await store.listRuns()).toEqual([])
      })

      it('lists runs newest first, with their status', async () => {
        await store.createRun(sampleRun('first'))
        await store.createRun(sampleRun('second'))
        await store.setRunStatus('first', 'interrupted')
        const runs = await store.listRuns()
        expect(runs.map(({ id, status }) => [id, status])).toEqual([
          ['second', 'running'],
          ['first', 'interrupted'],
        ])
        expect(runs[0]).not.toHaveProperty('cells')
      })

      it('refuses to set the status of a run that is not there', async () => {
        await expect(store.setRunStatus('none', 'complete')).rejects.toMatchObject(
          notFound(/no such run/),
        )
      })

      it('resumes the latest run of a plan that is not complete', async () => {
        expect(await store.findResumableRun('plan-1')).toBeUndefined()
        for (const id of ['a', 'b', 'c']) await store.createRun(sampleRun(id))
        await store.createRun(sampleRun('other', { planDigest: 'plan-2' }))
        await store.setRunStatus('c', 'complete')
        await store.setRunStatus('b', 'interrupted')
        expect(await store.findResumableRun('plan-1')).toEqual(await store.getRun('b'))
        await store.setRunStatus('b', 'complete')
        await store.setRunStatus('a', 'incomplete')
        expect((await store.findResumableRun('plan-1'))?.id).toBe('a')
        await store.setRunStatus('a', 'complete')
        expect(await store.findResumableRun('plan-1')).toBeUndefined()
      })
    })

    describe('tasks', () => {
      const first = sampleTask(1, 0, 4)
      const second = sampleTask(2, 4, 7)

      it('knows which keys are done', async () => {
        await store.saveResult(first, sampleResult(first))
        const asked = [sampleKey(1), sampleKey(2)]
        expect(await store.completedKeys(asked)).toEqual(new Set([sampleKey(1)]))
        expect(await store.completedKeys([])).toEqual(new Set())
      })

      it('looks up more keys than one statement can bind', async () => {
        await store.saveResult(first, sampleResult(first))
        const many = Array.from({ length: 40_000 }, (_, i) => sampleKey(40_000 - i))
        expect(await store.completedKeys(many)).toEqual(new Set([sampleKey(1)]))
      })

      it('gives back outcomes by sample, whatever order they came in', async () => {
        await store.createRun(sampleRun('run'))
        const result = sampleResult(second, { notes: ['b', 'a'] })
        await store.saveResult(second, { ...result, outcomes: result.outcomes.toReversed() })
        await store.saveResult(first, sampleResult(first, { notes: ['a', 'c'], seconds: 2 }))
        await reopen()
        const [cell] = await store.outcomesOf('run')
        expect(cell).toEqual({
          cell: sampleRun('run').cells[0],
          outcomes: [0, 1, 2, 3, 4, 5, 6].map(sampleOutcome),
          seconds: 3.5,
          secondsInRuntime: 2.5,
          notes: ['a', 'c', 'b'],
          tasksDone: 2,
          complete: true,
          failures: [],
        })
      })

      it('keeps values at the edge of what numbers can be', async () => {
        const task = sampleTask(1, 0, 4)
        const base = sampleOutcome(0)
        const outcomes = [
          { ...base, sample: 0, distance: NaN },
          { ...base, sample: 1, distance: Infinity, success: true },
          { ...base, sample: 2, distance: 5e-324, success: false },
          { ...base, sample: 3, distance: 0, queries: 2 ** 31 - 1, label: -1 },
        ]
        await store.createRun(sampleRun('run', { cells: [sampleCell([task])] }))
        await store.saveResult(task, sampleResult(task, { outcomes }))
        expect((await store.outcomesOf('run'))[0]?.outcomes).toEqual(outcomes)
      })

      it('keeps the first result of a key', async () => {
        await store.createRun(sampleRun('run'))
        expect(await store.saveResult(first, sampleResult(first))).toBe(true)
        const other = sampleResult(first, {
          outcomes: [3, 2, 1, 0].map((sample) => ({ ...sampleOutcome(sample), queries: 1 })),
          examples: [],
          seconds: 99,
          notes: ['second'],
        })
        expect(await store.saveResult(first, other)).toBe(false)
        const [cell] = await store.outcomesOf('run')
        expect(cell?.outcomes).toEqual([0, 1, 2, 3].map(sampleOutcome))
        expect(cell).toMatchObject({ seconds: 1.5, notes: [], tasksDone: 1 })
        expect(await store.examplesOf('run', 'cell-a')).toHaveLength(2)
      })

      it('saves a result of more rows than one statement can bind', async () => {
        const task = sampleTask(9, 100, 5100)
        await store.createRun(sampleRun('run', { cells: [sampleCell([task])] }))
        await store.saveResult(task, sampleResult(task))
        const [cell] = await store.outcomesOf('run')
        expect(cell?.complete).toBe(true)
        expect(cell?.outcomes).toEqual(sampleResult(task).outcomes)
      })

      const wrong: [string, Parameters<typeof sampleResult>[1]][] = [
        ['of another task', { key: sampleKey(3) }],
        ['that lacks a sample', { outcomes: [0, 1, 2].map(sampleOutcome) }],
        ['that has a sample twice', { outcomes: [0, 1, 2, 2].map(sampleOutcome) }],
        ['with a sample of another task', { outcomes: [0, 1, 2, 4].map(sampleOutcome) }],
        ['with no sample number', { outcomes: [0, 1, 2, NaN].map(sampleOutcome) }],
        ['with a strange example', { examples: [{ sample: 9, xAdv: new Float32Array(1) }] }],
      ]
      it.each(wrong)('refuses a result %s and saves nothing of it', async (_label, overrides) => {
        await expect(store.saveResult(first, sampleResult(first, overrides))).rejects.toThrow()
        expect(await store.completedKeys([sampleKey(1), sampleKey(3)])).toEqual(new Set())
      })

      it('saves nothing of a result whose last row cannot be saved', async () => {
        const outcomes = [0, 1, 2, 3].map((sample) => ({
          ...sampleOutcome(sample),
          queries: sample === 3 ? NaN : 1,
        }))
        await expect(store.saveResult(first, sampleResult(first, { outcomes }))).rejects.toThrow()
        expect(await store.completedKeys([first.key])).toEqual(new Set())
        expect(await store.saveResult(first, sampleResult(first))).toBe(true)
      })

      it('shares a task between the cells and runs that name it', async () => {
        const twin = { ...sampleCell([first, second], { id: 'twin' }) }
        await store.createRun(sampleRun('one', { cells: [sampleCell([first, second]), twin] }))
        await store.createRun(sampleRun('two', { cells: [sampleCell([second])] }))
        await store.saveResult(second, sampleResult(second))
        const samples = async (run: string) =>
          (await store.outcomesOf(run)).map((cell) => cell.outcomes.map(({ sample }) => sample))
        expect(await samples('one')).toEqual([
          [4, 5, 6],
          [4, 5, 6],
        ])
        expect(await samples('two')).toEqual([[4, 5, 6]])
        expect((await store.outcomesOf('one')).map((cell) => cell.complete)).toEqual([false, false])
        expect((await store.outcomesOf('two')).map((cell) => cell.complete)).toEqual([true])
      })

      it('does not call a cell complete whose tasks leave a sample out', async () => {
        await store.createRun(sampleRun('gap', { cells: [sampleCell([first], { to: 5 })] }))
        await store.saveResult(first, sampleResult(first))
        const [cell] = await store.outcomesOf('gap')
        expect(cell).toMatchObject({ tasksDone: 1, complete: false })
      })

      it('refuses to read a run that is not there', async () => {
        await expect(store.outcomesOf('none')).rejects.toMatchObject(notFound(/no such run/))
        await expect(store.examplesOf('none', 'a')).rejects.toMatchObject(notFound(/no such run/))
      })
    })

    describe('failures', () => {
      const task = sampleTask(1, 0, 4)

      it('keeps the last failure of a task until the task is done', async () => {
        await store.createRun(sampleRun('one'))
        await store.createRun(sampleRun('two'))
        const failures = async (run: string) => (await store.outcomesOf(run))[0]?.failures
        await store.saveFailure('one', task.key, { kind: 'failed', message: 'out of memory' })
        await store.saveFailure('two', task.key, { kind: 'failed', message: 'lost' })
        const last = { kind: 'quarantined', message: '' } as const
        expect(await store.saveFailure('one', task.key, last)).toBe(true)
        expect(await failures('one')).toEqual([{ key: task.key, ...last }])
        expect(await failures('two')).toMatchObject([{ message: 'lost' }])
        await store.saveResult(task, sampleResult(task))
        expect(await failures('one')).toEqual([])
        expect(await failures('two')).toEqual([])
      })

      it('notes nothing of a task that is done', async () => {
        await store.createRun(sampleRun('one'))
        await store.saveResult(task, sampleResult(task))
        const late = { kind: 'failed', message: 'late' } as const
        expect(await store.saveFailure('one', task.key, late)).toBe(false)
        expect((await store.outcomesOf('one'))[0]?.failures).toEqual([])
      })

      it('makes any message storable', async () => {
        await store.createRun(sampleRun('one'))
        await store.saveFailure('one', task.key, { kind: 'failed', message: 'a\0b\ud800c😀\n' })
        expect((await store.outcomesOf('one'))[0]?.failures[0]?.message).toBe('a\ufffdb\ufffdc😀\n')
      })

      it('refuses a failure of a run that is not there', async () => {
        const failure = { kind: 'failed', message: '' } as const
        await expect(store.saveFailure('none', task.key, failure)).rejects.toMatchObject(
          notFound(/no such run/),
        )
      })
    })

    describe('examples', () => {
      it('gives back every bit, by sample, of one cell only', async () => {
        const [a, b] = [sampleTask(1, 0, 4), sampleTask(2, 4, 7)]
        const other = sampleTask(3, 0, 2, 'other')
        await store.createRun(
          sampleRun('run', { cells: [sampleCell([b, a]), sampleCell([other])] }),
        )
        const xAdv = Float32Array.of(NaN, -0, Infinity, -Infinity, 1e-45, 3.4e38, 1 / 3)
        const noise = Float32Array.from({ length: 3072 }, (_, i) => Math.sin(i * i))
        await store.saveResult(b, sampleResult(b, { examples: [{ sample: 6, xAdv }] }))
        await store.saveResult(
          a,
          sampleResult(a, {
            examples: [
              { sample: 3, xAdv: new Float32Array(0) },
              { sample: 1, xAdv: noise },
            ],
          }),
        )
        await store.saveResult(other, sampleResult(other))
        const read = await store.examplesOf('run', 'cell-a')
        expect(read.map((example) => example.sample)).toEqual([1, 3, 6])
        expect(read.map((example) => bits(example.xAdv))).toEqual([bits(noise), [], bits(xAdv)])
        expect(await store.examplesOf('run', 'no such cell')).toEqual([])
      })
    })

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

function bits(values: Float32Array): number[] {
  return [...new Uint32Array(values.buffer, values.byteOffset, values.length)]
}

function notFound(message: RegExp) {
  return {
    code: 'GNT_STORE_NOT_FOUND',
    message: expect.stringMatching(message) as string,
  }
}
