import { describe, expect, it } from 'vitest'
import { childrenOf, isAlive } from '../helpers/cli.js'
import type * as Workers from '../../workers/pool-process.js'

const { PoolProcess, PoolLost } = (await import(
  new URL('../../dist/workers/pool-process.js', import.meta.url).href
)) as typeof Workers

describe('a pool process that is ended while it starts', () => {
  // A message larger than a pipe holds is still being written when the reader goes: a broken pipe, then the exit.
  it.each([
    { label: 'before it could read anything', bytes: 100 },
    { label: 'in the middle of its first message', bytes: 16e6 },
  ])('is lost, not a bug: $label', async ({ bytes }) => {
    const before = new Set(childrenOf(process.pid))
    const starting = PoolProcess.start({
      workers: 1,
      dataset: { path: 'x'.repeat(bytes) } as never,
      device: 'cpu',
      plugins: [],
    })
    const outcome = starting.then(
      () => null,
      (error: unknown) => error,
    )
    // The list names the program that lists, too; that one has ended.
    for (const pid of childrenOf(process.pid))
      if (!before.has(pid) && isAlive(pid)) process.kill(pid, 'SIGKILL')
    expect(await outcome).toBeInstanceOf(PoolLost)
  })
})
