import { describe, expect, it } from 'vitest'
import type { CurrentStore } from './store.js'
import {
  notFound,
  sampleAudit,
  sampleCell,
  sampleKey,
  sampleOutcome,
  sampleResult,
  sampleRun,
  sampleTask,
  sampleTrial,
} from './store-samples.js'

export function describeResults(current: CurrentStore): void {
  describe('tasks', () => {
    const first = sampleTask(1, 0, 4)
    const second = sampleTask(2, 4, 7)

    it('knows which keys are done', async () => {
      await current.store.saveResult(first, sampleResult(first))
      const asked = [sampleKey(1), sampleKey(2)]
      expect(await current.store.completedKeys(asked)).toEqual(new Set([sampleKey(1)]))
      expect(await current.store.completedKeys([])).toEqual(new Set())
    })

    it('keeps what an examination found, once', async () => {
      const finding = {
        signal: 'P1',
        severity: 'error',
        version: 'v1',
        where: '',
        text: 'random: 検査',
      } as const
      await current.store.createRun(sampleRun('run'))
      await current.store.saveFailure('run', sampleKey(9), { kind: 'failed', message: 'x' })
      await current.store.saveExamination(sampleKey(9), [finding])
      await current.store.saveExamination(sampleKey(9), [])
      await current.store.saveExamination(sampleKey(8), [])
      await current.reopen()
      const found = await current.store.examinationsOf([7, 8, 9].map(sampleKey))
      expect(found).toEqual(
        new Map([
          [sampleKey(9), [finding]],
          [sampleKey(8), []],
        ]),
      )
      expect(await current.store.examinationsOf([])).toEqual(new Map())
    })

    it('keeps what a trial found, once, and forgets that it failed', async () => {
      const trial = sampleTrial(sampleKey(9))
      await current.store.createRun(sampleRun('run'))
      const failure = { kind: 'failed', message: 'x' } as const
      await current.store.saveFailure('run', sampleKey(9), failure)
      await current.store.saveFailure('run', sampleKey(8), failure)
      expect(await current.store.failuresOf('run')).toEqual(
        new Map([
          [sampleKey(8), failure],
          [sampleKey(9), failure],
        ]),
      )
      expect(await current.store.saveTrial(trial)).toBe(true)
      expect(await current.store.saveTrial({ ...trial, poisons: 1 })).toBe(false)
      expect(await current.store.saveFailure('run', sampleKey(9), failure)).toBe(false)
      await current.reopen()
      const found = await current.store.trialsOf([7, 8, 9].map(sampleKey))
      expect(found).toEqual(new Map([[sampleKey(9), trial]]))
      expect(await current.store.failuresOf('run')).toEqual(new Map([[sampleKey(8), failure]]))
      await expect(current.store.failuresOf('no run')).rejects.toMatchObject(
        notFound(/no such run/),
      )
    })

    it('keeps the first audit of a key, and forgets its failure', async () => {
      await current.store.createRun(sampleRun('run'))
      const failure = { kind: 'failed', message: 'no gradient' } as const
      await current.store.saveFailure('run', sampleKey(7), failure)
      await current.store.saveAudit(sampleKey(7), sampleAudit)
      await current.store.saveAudit(sampleKey(7), { ...sampleAudit, flagged: [] })
      await current.reopen()
      expect(await current.store.auditsOf([6, 7].map(sampleKey))).toEqual(
        new Map([[sampleKey(7), sampleAudit]]),
      )
      expect(await current.store.failuresOf('run')).toEqual(new Map())
    })

    it('looks up more keys than one statement can bind', async () => {
      await current.store.saveResult(first, sampleResult(first))
      const many = Array.from({ length: 40_000 }, (_, i) => sampleKey(40_000 - i))
      expect(await current.store.completedKeys(many)).toEqual(new Set([sampleKey(1)]))
    })

    it('gives back outcomes by sample, whatever order they came in', async () => {
      await current.store.createRun(sampleRun('run'))
      const result = sampleResult(second, { notes: ['b', 'a'] })
      await current.store.saveResult(second, { ...result, outcomes: result.outcomes.toReversed() })
      await current.store.saveResult(first, sampleResult(first, { notes: ['a', 'c'], seconds: 2 }))
      await current.reopen()
      const [cell] = await current.store.outcomesOf('run')
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
      await current.store.createRun(sampleRun('run', { cells: [sampleCell([task])] }))
      await current.store.saveResult(task, sampleResult(task, { outcomes }))
      expect((await current.store.outcomesOf('run'))[0]?.outcomes).toEqual(outcomes)
    })

    it('keeps the first result of a key', async () => {
      await current.store.createRun(sampleRun('run'))
      expect(await current.store.saveResult(first, sampleResult(first))).toBe(true)
      const other = sampleResult(first, {
        outcomes: [3, 2, 1, 0].map((sample) => ({ ...sampleOutcome(sample), queries: 1 })),
        examples: [],
        seconds: 99,
        notes: ['second'],
      })
      expect(await current.store.saveResult(first, other)).toBe(false)
      const [cell] = await current.store.outcomesOf('run')
      expect(cell?.outcomes).toEqual([0, 1, 2, 3].map(sampleOutcome))
      expect(cell).toMatchObject({ seconds: 1.5, notes: [], tasksDone: 1 })
      expect(await current.store.examplesOf('run', 'cell-a')).toHaveLength(2)
    })

    it('saves a result of more rows than one statement can bind', async () => {
      const task = sampleTask(9, 100, 5100)
      await current.store.createRun(sampleRun('run', { cells: [sampleCell([task])] }))
      await current.store.saveResult(task, sampleResult(task))
      const [cell] = await current.store.outcomesOf('run')
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
      await expect(
        current.store.saveResult(first, sampleResult(first, overrides)),
      ).rejects.toThrow()
      expect(await current.store.completedKeys([sampleKey(1), sampleKey(3)])).toEqual(new Set())
    })

    it('saves nothing of a result whose last row cannot be saved', async () => {
      const outcomes = [0, 1, 2, 3].map((sample) => ({
        ...sampleOutcome(sample),
        queries: sample === 3 ? NaN : 1,
      }))
      await expect(
        current.store.saveResult(first, sampleResult(first, { outcomes })),
      ).rejects.toThrow()
      expect(await current.store.completedKeys([first.key])).toEqual(new Set())
      expect(await current.store.saveResult(first, sampleResult(first))).toBe(true)
    })

    it('shares a task between the cells and runs that name it', async () => {
      const twin = { ...sampleCell([first, second], { id: 'twin' }) }
      await current.store.createRun(
        sampleRun('one', { cells: [sampleCell([first, second]), twin] }),
      )
      await current.store.createRun(sampleRun('two', { cells: [sampleCell([second])] }))
      await current.store.saveResult(second, sampleResult(second))
      const samples = async (run: string) =>
        (await current.store.outcomesOf(run)).map((cell) =>
          cell.outcomes.map(({ sample }) => sample),
        )
      expect(await samples('one')).toEqual([
        [4, 5, 6],
        [4, 5, 6],
      ])
      expect(await samples('two')).toEqual([[4, 5, 6]])
      expect((await current.store.outcomesOf('one')).map((cell) => cell.complete)).toEqual([
        false,
        false,
      ])
      expect((await current.store.outcomesOf('two')).map((cell) => cell.complete)).toEqual([true])
    })

    it('does not call a cell complete whose tasks leave a sample out', async () => {
      await current.store.createRun(sampleRun('gap', { cells: [sampleCell([first], { to: 5 })] }))
      await current.store.saveResult(first, sampleResult(first))
      const [cell] = await current.store.outcomesOf('gap')
      expect(cell).toMatchObject({ tasksDone: 1, complete: false })
    })

    it('refuses to read a run that is not there', async () => {
      await expect(current.store.outcomesOf('none')).rejects.toMatchObject(notFound(/no such run/))
      await expect(current.store.examplesOf('none', 'a')).rejects.toMatchObject(
        notFound(/no such run/),
      )
    })
  })

  describe('failures', () => {
    const task = sampleTask(1, 0, 4)

    it('keeps the last failure of a task until the task is done', async () => {
      await current.store.createRun(sampleRun('one'))
      await current.store.createRun(sampleRun('two'))
      const failures = async (run: string) => (await current.store.outcomesOf(run))[0]?.failures
      await current.store.saveFailure('one', task.key, { kind: 'failed', message: 'out of memory' })
      await current.store.saveFailure('two', task.key, { kind: 'failed', message: 'lost' })
      const last = { kind: 'quarantined', message: '' } as const
      expect(await current.store.saveFailure('one', task.key, last)).toBe(true)
      expect(await failures('one')).toEqual([{ key: task.key, ...last }])
      expect(await failures('two')).toMatchObject([{ message: 'lost' }])
      await current.store.saveResult(task, sampleResult(task))
      expect(await failures('one')).toEqual([])
      expect(await failures('two')).toEqual([])
    })

    it('notes nothing of a task that is done', async () => {
      await current.store.createRun(sampleRun('one'))
      await current.store.saveResult(task, sampleResult(task))
      const late = { kind: 'failed', message: 'late' } as const
      expect(await current.store.saveFailure('one', task.key, late)).toBe(false)
      expect((await current.store.outcomesOf('one'))[0]?.failures).toEqual([])
    })

    it('makes any message storable', async () => {
      await current.store.createRun(sampleRun('one'))
      await current.store.saveFailure('one', task.key, {
        kind: 'failed',
        message: 'a\0b\ud800c😀\n',
      })
      expect((await current.store.outcomesOf('one'))[0]?.failures[0]?.message).toBe(
        'a\ufffdb\ufffdc😀\n',
      )
    })

    it('refuses a failure of a run that is not there', async () => {
      const failure = { kind: 'failed', message: '' } as const
      await expect(current.store.saveFailure('none', task.key, failure)).rejects.toMatchObject(
        notFound(/no such run/),
      )
    })
  })

  describe('examples', () => {
    it('gives back every bit, by sample, of one cell only', async () => {
      const [a, b] = [sampleTask(1, 0, 4), sampleTask(2, 4, 7)]
      const other = sampleTask(3, 0, 2, 'other')
      await current.store.createRun(
        sampleRun('run', { cells: [sampleCell([b, a]), sampleCell([other])] }),
      )
      const xAdv = Float32Array.of(NaN, -0, Infinity, -Infinity, 1e-45, 3.4e38, 1 / 3)
      const noise = Float32Array.from({ length: 3072 }, (_, i) => Math.sin(i * i))
      await current.store.saveResult(b, sampleResult(b, { examples: [{ sample: 6, xAdv }] }))
      await current.store.saveResult(
        a,
        sampleResult(a, {
          examples: [
            { sample: 3, xAdv: new Float32Array(0) },
            { sample: 1, xAdv: noise },
          ],
        }),
      )
      await current.store.saveResult(other, sampleResult(other))
      const read = await current.store.examplesOf('run', 'cell-a')
      expect(read.map((example) => example.sample)).toEqual([1, 3, 6])
      expect(read.map((example) => bits(example.xAdv))).toEqual([bits(noise), [], bits(xAdv)])
      expect(await current.store.examplesOf('run', 'no such cell')).toEqual([])
    })
  })
}

function bits(values: Float32Array): number[] {
  return [...new Uint32Array(values.buffer, values.byteOffset, values.length)]
}
