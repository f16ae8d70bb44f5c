import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Libsql from 'libsql'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GauntletError } from '../../../src/errors.js'
import { openStore } from '../../../src/store/open.js'
import { sampleRun } from '../../conformance/store-samples.js'

const nobody = 65534
const isRoot = process.geteuid?.() === 0
const itUnprivileged = it.skipIf(!canBeUnprivileged())

describe('openStore', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gauntlet-open-'))
    chmodSync(folder, 0o755)
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('makes the folders on the way', async () => {
    const path = join(folder, 'a', 'b', 'results.sqlite')
    await makeStore(path)
    expect(existsSync(path)).toBe(true)
  })

  it.each(['file:x.sqlite', 'x?mode=ro#y.sqlite', "it's 100% ünïcödé.sqlite", '%2e'])(
    'takes %j for the name of a file',
    async (name) => {
      await makeStore(join(folder, name))
      expect(readdirSync(folder)).toContain(name)
    },
  )

  it('takes a relative path that looks like a URI for a file', async () => {
    const before = process.cwd()
    process.chdir(folder)
    try {
      await makeStore('file:x.sqlite')
    } finally {
      process.chdir(before)
    }
    expect(readdirSync(folder)).toContain('file:x.sqlite')
  })

  it('keeps a store in memory that leaves no file', async () => {
    const store = await openStore(':memory:')
    await store.createRun(sampleRun('run'))
    expect((await store.getRun('latest')).id).toBe('run')
    await store.close()
    expect(existsSync(':memory:')).toBe(false)
  })

  it('uses write-ahead logging, and has everything in the one file after closing', async () => {
    const path = join(folder, 'results.sqlite')
    await makeStore(path)
    const copy = join(folder, 'copy.sqlite')
    writeFileSync(copy, readFileSync(path))
    const db = new Libsql(copy)
    expect(db.prepare('pragma journal_mode').all()).toEqual([{ journal_mode: 'wal' }])
    db.close()
    const store = await openStore(copy)
    expect((await store.getRun('latest')).id).toBe('run')
    await store.close()
  })

  it('opens an empty file as an empty store', async () => {
    const path = join(folder, 'empty.sqlite')
    writeFileSync(path, '')
    await makeStore(path)
  })

  it('refuses a newer schema, and leaves it as it is', async () => {
    const path = join(folder, 'results.sqlite')
    await makeStore(path)
    const db = new Libsql(path)
    db.exec(`insert into gauntlet_schema values (99, '0099-future', '2099-01-01')`)
    db.prepare('pragma wal_checkpoint(truncate)').all()
    db.close()
    const before = readFileSync(path)
    const error = await refusal(path)
    expect(error.message).toMatch(
      /newer Gauntlet \(.*results.sqlite\): got schema 99, expected at most 4; update/,
    )
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it.each([
    ['text', Buffer.from('hello, this is a text file\n'.repeat(50)), /not SQLite/],
    ['a few bytes', Buffer.from('hi'), /not SQLite/],
    ['an npz', Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(4096)]), /not SQLite/],
  ])('refuses %s, and leaves it as it is', async (_label, bytes, message) => {
    const path = join(folder, 'results.sqlite')
    writeFileSync(path, bytes)
    expect((await refusal(path)).message).toMatch(message)
    expect(readFileSync(path).equals(bytes)).toBe(true)
    expect(readdirSync(folder)).toEqual(['results.sqlite'])
  })

  it('refuses the database of another program, and leaves it as it is', async () => {
    const path = join(folder, 'places.sqlite')
    const db = new Libsql(path)
    db.exec('create table bookmarks (url text)')
    db.close()
    const before = readFileSync(path)
    expect((await refusal(path)).message).toContain('"bookmarks"')
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it('refuses a store that was cut off', async () => {
    const path = join(folder, 'results.sqlite')
    await makeStore(path)
    const short = join(folder, 'short.sqlite')
    writeFileSync(short, readFileSync(path).subarray(0, 8192))
    expect((await refusal(short)).message).toContain('damaged')
  })

  it('refuses what cannot be a file', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    expect((await refusal(folder)).message).toContain('got a folder')
    expect((await refusal(join(file, 'results.sqlite'))).message).toMatch(/ENOTDIR|EEXIST/)
    expect((await refusal('')).message).toContain('empty name')
    expect((await refusal(join(folder, 'a\0b'))).message).toContain('NUL')
  })

  itUnprivileged('refuses a folder that cannot be written', async () => {
    const locked = join(folder, 'locked')
    mkdirSync(locked)
    chmodSync(locked, 0o555)
    await unprivileged(async () => {
      expect((await refusal(join(locked, 'results.sqlite'))).message).toContain('cannot be opened')
      expect((await refusal(join(locked, 'deeper', 'results.sqlite'))).message).toContain('EACCES')
    })
    expect(readdirSync(locked)).toEqual([])
  })

  itUnprivileged.each([
    ['read-only', 0o444, /cannot be written .*read-only/],
    ['unreadable', 0o000, /cannot be opened/],
  ])('refuses a %s file', async (_label, mode, message) => {
    const path = join(folder, 'results.sqlite')
    await makeStore(path)
    for (const name of readdirSync(folder)) chmodSync(join(folder, name), mode)
    const before = readFileSync(path)
    await unprivileged(async () => {
      expect((await refusal(path)).message).toMatch(message)
    })
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  itUnprivileged('refuses a read-only file in a read-only folder', async () => {
    const path = join(folder, 'results.sqlite')
    await makeStore(path)
    for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true })
    chmodSync(path, 0o444)
    chmodSync(folder, 0o555)
    await unprivileged(async () => {
      expect((await refusal(path)).message).toMatch(/cannot be written/)
    })
    chmodSync(folder, 0o755)
  })
})

/** Root may write anything, so for a test of permissions it becomes nobody. */
async function unprivileged(work: () => Promise<void>): Promise<void> {
  if (isRoot) process.seteuid?.(nobody)
  try {
    await work()
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
}

/** Some containers have a root but no other user. */
function canBeUnprivileged(): boolean {
  if (!isRoot) return true
  try {
    process.seteuid?.(nobody)
    process.seteuid?.(0)
    return true
  } catch {
    console.warn(
      'tests of permissions are skipped: this is root, and it cannot become another user',
    )
    return false
  }
}

/** A store with one run in it, closed. */
async function makeStore(path: string): Promise<void> {
  const store = await openStore(path)
  await store.createRun(sampleRun('run'))
  await store.close()
}

async function refusal(path: string): Promise<GauntletError> {
  const error: unknown = await openStore(path).then(
    async (store) => {
      await store.close()
      return new Error(`${path} was opened`)
    },
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof GauntletError)) throw error
  expect(error.code).toBe('GNT_STORE')
  expect(error.exitCode).toBe(2)
  expect(error.message).not.toContain('\n')
  return error
}
