import { describe, expect, it } from 'vitest'
import { childrenOf, isAlive } from '../helpers/cli.js'
import type * as Hosts from '../../workers/host-process.js'
import type * as Workers from '../../workers/pool-process.js'

const built = (file: string): Promise<unknown> =>
  import(new URL(`../../dist/workers/${file}`, import.meta.url).href)
const { PoolProcess } = (await built('pool-process.js')) as typeof Workers
const { HostProcess, PoolLost } = (await built('host-process.js')) as typeof Hosts

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

describe('a host process', () => {
  it('tells its end once, and takes what comes after it for nothing', async () => {
    const reasons: string[] = []
    const host = await new Promise<Hosts.HostProcess<{ type: string }, unknown>>((resolve) => {
      const starting = new HostProcess<{ type: string }, unknown>('./none.js', {
        onMessage: () => {},
        onEnd(reason) {
          reasons.push(reason)
          resolve(starting)
        },
      })
      starting.send({ type: 'job' })
    })
    expect(host.hasEnded).toBe(true)
    host.send({ type: 'job' })
    await host.stop({ type: 'stop' })
    host.kill()
    expect(reasons).toEqual(['exit code 1'])
  })
})
