import { GauntletError, type ErrorDetail } from '../errors.js'

const anotherFile = 'or choose another store file'

/** What SQLite's primary result codes mean to a person. Codes that are not here are bugs of ours. */
const causes: Readonly<Record<number, Omit<ErrorDetail, 'where'>>> = {
  5: { what: 'the result store is locked by another process', fix: `wait for it, ${anotherFile}` },
  6: { what: 'the result store is locked by another process', fix: `wait for it, ${anotherFile}` },
  8: {
    what: 'the result store cannot be written',
    got: 'a read-only file or folder',
    fix: `make it writable, ${anotherFile}`,
  },
  10: {
    what: 'the result store cannot be read or written',
    got: 'a disk error',
    fix: `check the disk, ${anotherFile}`,
  },
  11: {
    what: 'the result store is damaged',
    got: 'a malformed SQLite file',
    fix: `restore a copy, ${anotherFile}`,
  },
  13: { what: 'the result store cannot be written', got: 'a full disk', fix: 'make room' },
  14: {
    what: 'the result store cannot be opened',
    fix: `check that its folder exists and can be written, ${anotherFile}`,
  },
  26: {
    what: 'not a result store',
    got: 'a file that is not SQLite',
    expected: 'a store made by Gauntlet, or no file',
    fix: 'choose another store file',
  },
}

/**
 * @param where - the file as the user named it
 * @returns a GauntletError GNT_STORE for what a person can cause, else `error` itself
 */
export function sqliteError(error: unknown, where: string): unknown {
  if (!(error instanceof Error) || error instanceof GauntletError) return error
  const cause = causes[primaryCode(error)]
  return cause === undefined
    ? error
    : new GauntletError('GNT_STORE', { ...cause, where }, { cause: error })
}

/** Whether another process holds the lock that was asked for. */
export function isBusy(error: unknown): boolean {
  return error instanceof Error && primaryCode(error) === 5
}

/** The low byte of an extended result code; opening a file gives the code only in its text. */
function primaryCode(error: Error): number {
  if ('rawCode' in error && typeof error.rawCode === 'number') return error.rawCode & 0xff
  const opening = /^ConnectionFailed\(.*: (\d+)"\)$/s.exec(error.message)
  return opening === null ? Number.NaN : Number(opening[1]) & 0xff
}
