import type { Io } from '../../src/cli/io.js'

export interface MemoryIo extends Io {
  /** All that was printed on stdout. */
  stdout(): string
  stderr(): string
}

/** An Io that keeps what is printed. */
export function memoryIo(
  options: Partial<Pick<Io, 'isTty' | 'color' | 'columns' | 'cwd' | 'env'>> = {},
): MemoryIo {
  const out: string[] = []
  const err: string[] = []
  return {
    out: (text) => void out.push(`${text}\n`),
    err: (text) => void err.push(`${text}\n`),
    stdout: () => out.join(''),
    stderr: () => err.join(''),
    exitCode: 0,
    isTty: false,
    color: false,
    columns: 100,
    cwd: process.cwd(),
    env: {},
    ...options,
  }
}
