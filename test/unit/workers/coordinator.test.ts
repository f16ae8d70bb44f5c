import { describe, expect, it } from 'vitest'
import { GauntletError } from '../../../src/errors.js'
import type { ExaminationTask, Task, TaskResult } from '../../../src/plan/task.js'
import { execute, type ExecuteOptions, type Pool } from '../../../workers/coordinator.js'
import { PoolLost } from '../../../workers/host-process.js'

describe('execute', () => {
  it('quarantines a task that ends its process twice, and runs all others once', async () => {
    const seen = log()
    // Task 2 kills the process, and with it whatever else is in flight.
    const startPool = async (): Promise<Pool> => {
      seen.pools++
      const crash = new Crash()
      return pool({
        run: async (task) => {
          if (task.key === 't2') crash.happen()
          return await Promise.race([crash.lost, later(task)])
        },
      })
    }
    const result = await execute(options({ tasks: tasks(6), workers: 2, startPool, seen }))
    expect(result).toMatchObject({ done: 5, failed: 1, interrupted: false })
    expect([...seen.saved].sort()).toEqual(['t0', 't1', 't3', 't4', 't5'])
    expect(seen.failed).toEqual([['t2', 'quarantined', 'ended its worker process 2 times']])
    expect(seen.pools).toBe(3)
    // The lost ones have ended by themselves.
    expect(seen.stopped).toBe(1)
  })

  it('reports a task that fails, and goes on', async () => {
    const seen = log()
    const outcome = await execute(
      options({ tasks: tasks(3), startPool: async () => pool({ run: failSecond }), seen }),
    )
    expect(outcome).toMatchObject({ done: 2, failed: 1 })
    expect(seen.failed).toEqual([['t1', 'failed', 'no rule']])
  })

  it('ends with the first refusal of a rehearsal: no task is run', async () => {
    const seen = log()
    const refusal = new GauntletError('GNT_GRAD_NO_RULE', { what: 'no gradient rule' })
    const startPool = async () => pool({ rehearse: () => Promise.reject(refusal) })
    const run = execute(options({ tasks: tasks(2), rehearsals: tasks(1), startPool, seen }))
    await expect(run).rejects.toBe(refusal)
    expect(seen).toMatchObject({ saved: [], starts: 0 })
  })

  it('names a plugin that throws in a rehearsal; of our own attacks it is a bug', async () => {
    const seen = log()
    const thrown = new TypeError('boom\nsecond line')
    const startPool = async () => pool({ rehearse: () => Promise.reject(thrown) })
    const asked = options({ tasks: tasks(2), rehearsals: tasks(1), startPool, seen })
    await expect(execute({ ...asked, plugins: ['own.ts'] })).rejects.toMatchObject({
      code: 'GNT_ATTACK_FAILED',
      message: expect.stringMatching(/^the attack \S+ threw an error: got boom; /) as string,
    })
    await expect(execute(asked)).rejects.toBe(thrown)
  })

  it('ends when the store cannot be written, and does not wait for the other tasks', async () => {
    const seen = log()
    let cancelled = false
    const startPool = async () => pool({ run: later, cancel: () => (cancelled = true) })
    const full = new GauntletError('GNT_STORE', { what: 'the disk is full' })
    const run = execute({
      ...options({ tasks: tasks(4), workers: 2, startPool, seen }),
      sink: { save: () => Promise.reject(full), fail: async () => {} },
    })
    await expect(run).rejects.toBe(full)
    expect(cancelled).toBe(true)
  })

  it('says so when no process can be started', async () => {
    const run = execute(options({ tasks: tasks(1), startPool: startNone, seen: log() }))
    await expect(run).rejects.toThrow(expect.objectContaining({ code: 'GNT_WORKER' }))
  })

  it.each([
    { label: 'before the process was lost', abort: (one: AbortController) => one.abort() },
    // Ctrl-C goes to the whole group; the child may be gone first.
    {
      label: 'a moment after it',
      abort: (one: AbortController) => void setTimeout(() => one.abort(), 20),
    },
  ])('begins nothing after an abort during the start: $label', async ({ abort }) => {
    const seen = log()
    const controller = new AbortController()
    const startPool = async (): Promise<Pool> => {
      abort(controller)
      throw new PoolLost('the worker process did not start (SIGINT)')
    }
    const result = await execute({
      ...options({ tasks: tasks(2), startPool, seen }),
      signal: controller.signal,
    })
    expect(result).toMatchObject({ done: 0, failed: 0, interrupted: true })
    expect(seen.starts).toBe(0)
  })

  it('examines before it attacks, and one that fails stops nothing', async () => {
    const seen = log()
    const order: string[] = []
    const startPool = async (): Promise<Pool> =>
      pool({
        run: async (task) => (order.push(task.key), result(task)),
        examine: async ({ key }) => {
          order.push(key)
          if (key === 'x1') throw new Error('no gradient')
          return [{ signal: 'P1', severity: 'error', version: 'v', where: '', text: 'random' }]
        },
      })
    const found: unknown[] = []
    const own = options({ tasks: tasks(2), startPool, seen })
    const saveExamination = async (_: unknown, findings: unknown): Promise<void> =>
      void found.push(findings)
    const outcome = await execute({
      ...own,
      sink: { ...own.sink, saveExamination },
      examinations: [examination('x1'), examination('x2')],
    })
    expect(order).toEqual(['x1', 'x2', 't0', 't1'])
    expect(found).toEqual([[expect.objectContaining({ signal: 'P1', severity: 'error' })]])
    expect(seen.failed).toEqual([['x1', 'failed', 'no gradient']])
    expect(outcome).toMatchObject({ done: 3, failed: 1 })
  })

  it('shares the tasks among all devices', async () => {
    const seen = log()
    const devices: string[] = []
    const startPool: ExecuteOptions['startPool'] = async ({ device }) =>
      pool({ run: async (task) => (devices.push(device), await later(task)) })
    await execute({ ...options({ tasks: tasks(6), startPool, seen }), devices: ['cpu', 'webgpu'] })
    expect(new Set(devices)).toEqual(new Set(['cpu', 'webgpu']))
    expect([...seen.saved].sort()).toEqual(['t0', 't1', 't2', 't3', 't4', 't5'])
  })
})

interface Log {
  readonly saved: string[]
  readonly failed: [string, string, string][]
  pools: number
  starts: number
  stopped: number
}

const log = (): Log => ({ saved: [], failed: [], pools: 0, starts: 0, stopped: 0 })

function options({
  seen,
  startPool,
  ...rest
}: Pick<ExecuteOptions, 'tasks'> &
  Partial<Pick<ExecuteOptions, 'rehearsals' | 'workers' | 'startPool'>> & {
    readonly seen: Log
  }): ExecuteOptions {
  return {
    workers: 1,
    devices: ['cpu'],
    dataset: { path: 'glyphs', digest: 'd' },
    sink: {
      save: async (task) => void seen.saved.push(task.key),
      fail: async (task, kind, message) => void seen.failed.push([task.key, kind, message]),
    },
    onStart: () => void seen.starts++,
    startPool: async (settings) => {
      const started = await startPool!(settings)
      return { ...started, stop: async () => void seen.stopped++ }
    },
    ...rest,
  }
}

function pool(own: Partial<Pool>): Pool {
  return {
    run: async (task) => result(task),
    examine: async () => [],
    runTrial: async () => {
      throw new Error('no trials here')
    },
    rehearse: async () => {},
    rehearseTrial: async () => {},
    cancel: () => {},
    stop: async () => {},
    ...own,
  }
}

function tasks(count: number): Task[] {
  return Array.from({ length: count }, (_, i): Task => {
    const model = { version: 'v', path: 'm.onnx', digest: 'd' }
    const attack = { attack: 'fgsm', version: 1, params: {}, restarts: 1, label: 'FGSM' }
    const bounds = [0, 1] as const
    return {
      key: `t${i}`,
      cell: 'c',
      model,
      attack,
      threat: { norm: 'linf', epsilon: 0.1, bounds, goal: { kind: 'untargeted' } },
      dataset: { path: 'glyphs', digest: 'd' },
      from: i,
      to: i + 1,
      seed: 1,
      batch: 1,
      provider: 'cpu',
      keepExamples: 0,
    }
  })
}

function examination(key: string): ExaminationTask {
  const [{ model, threat, dataset, seed, batch, provider }] = tasks(1) as [Task]
  const range = { from: 0, to: 1 }
  return {
    ...range,
    key,
    cell: 'v / self-audit',
    model,
    threats: [threat],
    dataset,
    seed,
    batch,
    provider,
  }
}

function result({ key }: Task): TaskResult {
  return { key, outcomes: [], examples: [], seconds: 0, secondsInRuntime: 0, notes: [] }
}

async function later(task: Task): Promise<TaskResult> {
  await new Promise((resolve) => setTimeout(resolve, 5))
  return result(task)
}

async function failSecond(task: Task): Promise<TaskResult> {
  if (task.key === 't1') throw new Error('no rule')
  return result(task)
}

async function startNone(): Promise<Pool> {
  throw new PoolLost('the worker process did not start (exit code 1)')
}

/** The end of a process, which all its tasks meet. */
class Crash {
  readonly lost: Promise<never>
  #reject: (error: Error) => void = () => {}

  constructor() {
    this.lost = new Promise((_, reject) => (this.#reject = reject))
    this.lost.catch(() => {})
  }

  happen(): void {
    this.#reject(new PoolLost('the worker process ended (SIGSEGV)'))
  }
}
