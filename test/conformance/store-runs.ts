import { describe, expect, it } from 'vitest'
import type { CurrentStore } from './store.js'
import { notFound, sampleCell, sampleKey, sampleRun, sampleTask } from './store-samples.js'

export function describeRuns(current: CurrentStore): void {
  const idOf = async (reference: string): Promise<string> =>
    (await current.store.getRun(reference)).id
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
      await current.store.createRun(run)
      await current.reopen()
      const { status, createdAt, updatedAt, ...plan } = await current.store.getRun('run-1')
      expect(plan).toEqual(run)
      expect(status).toBe('running')
      expect(new Date(createdAt).toISOString()).toBe(createdAt)
      expect(updatedAt).toBe(createdAt)
    })

    it('takes plans with more cells and tasks than fit one statement', async () => {
      const cells = Array.from({ length: 1200 }, (_, i) =>
        sampleCell([sampleTask(2 * i, 0, 4), sampleTask(2 * i + 1, 4, 8)], { id: `cell-${i}` }),
      )
      await current.store.createRun(sampleRun('large', { cells }))
      expect((await current.store.getRun('large')).cells).toEqual(cells)
    })

    it('finds a run by id, by the start of its id and as the latest', async () => {
      for (const id of ['2026-a1', '2026-a1b', '2026_c', '100%'])
        await current.store.createRun(sampleRun(id))
      expect(await idOf('2026-a1')).toBe('2026-a1')
      expect(await idOf('2026-a1b')).toBe('2026-a1b')
      expect(await idOf('2026_')).toBe('2026_c')
      expect(await idOf('1')).toBe('100%')
      expect(await idOf('latest')).toBe('100%')
    })

    it('says which runs there are when a reference fits none or several', async () => {
      await expect(current.store.getRun('latest')).rejects.toMatchObject(notFound(/no runs/))
      await current.store.createRun(sampleRun('2026-a'))
      await current.store.createRun(sampleRun('2026-b'))
      await expect(current.store.getRun('2026-')).rejects.toMatchObject(notFound(/2026-b, 2026-a/))
      await expect(current.store.getRun('%')).rejects.toMatchObject(notFound(/2026-b, 2026-a/))
      await expect(current.store.getRun('')).rejects.toMatchObject(notFound(/no such run/))
    })

    it('refuses a second run of the same id and keeps the first', async () => {
      await current.store.createRun(sampleRun('one'))
      const again = current.store.createRun(sampleRun('one', { title: 'second', cells: [] }))
      await expect(again).rejects.toMatchObject({ code: 'GNT_STORE' })
      expect(await current.store.getRun('one')).toMatchObject(sampleRun('one'))
    })

    it.each(['', 'latest'])('does not let a run be called %j', async (id) => {
      await expect(current.store.createRun(sampleRun(id))).rejects.toThrow('cannot be called')
    })

    it('keeps no half of a run whose plan is wrong', async () => {
      const cell = sampleCell([sampleTask(1, 0, 4)])
      await expect(
        current.store.createRun(sampleRun('twice', { cells: [cell, cell] })),
      ).rejects.toThrow()
      await expect(
        current.store.createRun(
          sampleRun('twice', { cells: [{ ...cell, tasks: [sampleKey(1), sampleKey(1)] }] }),
        ),
      ).rejects.toThrow()
      expect(await current.store.listRuns()).toEqual([])
    })

    it('lists runs newest first, with their status', async () => {
      await current.store.createRun(sampleRun('first'))
      await current.store.createRun(sampleRun('second'))
      await current.store.setRunStatus('first', 'interrupted')
      const runs = await current.store.listRuns()
      expect(runs.map(({ id, status }) => [id, status])).toEqual([
        ['second', 'running'],
        ['first', 'interrupted'],
      ])
      expect(runs[0]).not.toHaveProperty('cells')
    })

    it('refuses to set the status of a run that is not there', async () => {
      await expect(current.store.setRunStatus('none', 'complete')).rejects.toMatchObject(
        notFound(/no such run/),
      )
    })

    it('resumes the latest run of a plan that is not complete', async () => {
      expect(await current.store.findResumableRun('plan-1')).toBeUndefined()
      for (const id of ['a', 'b', 'c']) await current.store.createRun(sampleRun(id))
      await current.store.createRun(sampleRun('other', { planDigest: 'plan-2' }))
      await current.store.setRunStatus('c', 'complete')
      await current.store.setRunStatus('b', 'interrupted')
      expect(await current.store.findResumableRun('plan-1')).toEqual(
        await current.store.getRun('b'),
      )
      await current.store.setRunStatus('b', 'complete')
      await current.store.setRunStatus('a', 'incomplete')
      expect((await current.store.findResumableRun('plan-1'))?.id).toBe('a')
      await current.store.setRunStatus('a', 'complete')
      expect(await current.store.findResumableRun('plan-1')).toBeUndefined()
    })
  })
}
