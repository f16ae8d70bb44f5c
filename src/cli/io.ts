/** All that a command sees of the process; tests give their own. */
export interface Io {
  /** Prints text and a line break: results, and nothing else. */
  out(text: string): void
  /** Prints text and a line break: errors and progress. */
  err(text: string): void
  /** What the process ends with, unless an error is thrown. */
  exitCode: number
  /** Of stdout. */
  readonly isTty: boolean
  readonly color: boolean
  /** Width of the terminal in characters. */
  readonly columns: number
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The real process. A reader that goes away (`gauntlet run | head`) is no error: the work goes on unseen. */
export function processIo(): Io {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  const isTty = process.stdout.isTTY === true
  return {
    out: (text) => void process.stdout.write(`${text}\n`),
    err: (text) => void process.stderr.write(`${text}\n`),
    exitCode: 0,
    isTty,
    color: wantsColor(process.env, isTty),
    columns: process.stdout.columns ?? 100,
    cwd: process.cwd(),
    env: process.env,
  }
}

/** Only on a terminal that can; https://no-color.org and FORCE_COLOR decide first. */
export function wantsColor(env: Io['env'], isTty: boolean): boolean {
  if (env['NO_COLOR']) return false
  if (env['FORCE_COLOR']) return env['FORCE_COLOR'] !== '0'
  return isTty && env['TERM'] !== 'dumb'
}
