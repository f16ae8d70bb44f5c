import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { readInstances } from '../../property/instances.js'
import { answerText } from './falsify-once.js'
import { falsifyAll, type NamedJob, type Settled } from '../../../workers/falsify-coordinator.js'
import { exitCodes } from '../exit-codes.js'
import { interruptible } from '../interrupt.js'
import type { Io } from '../io.js'
import { duration } from '../progress.js'
import { paint, table } from '../table.js'
import { checkFolderMakeable, writeWhole } from './writable.js'

export interface FalsifyBatchArgs {
  readonly instances: string
  /** For every instance, instead of the list's own limits. */
  readonly timeoutMs?: number | undefined
  readonly defaultTimeoutMs: number
  readonly workers: number
  readonly seed: number
  /** Folder for the witnesses, `ID.txt` each. */
  readonly out?: string | undefined
}

/** One line of the results. */
export interface InstanceResult {
  readonly id: string
  readonly result: 'sat' | 'unknown' | 'error'
  readonly seconds: number
  /** Why the instance could not be tried; of an `error` only. */
  readonly reason?: string
}

/** Results in the order of the list, and how many of it have none: after Ctrl-C, else 0. */
export interface BatchResults {
  readonly results: readonly InstanceResult[]
  readonly unanswered: number
}

const unwritable = 'the witnesses cannot be written'

/** All instances of a list. Results are handed to `onResult` as they come; after Ctrl-C those that are there. */
export async function falsifyBatch(
  args: FalsifyBatchArgs,
  io: Io,
  onResult: (result: InstanceResult) => void,
): Promise<BatchResults> {
  const out = args.out === undefined ? undefined : resolve(io.cwd, args.out)
  if (out !== undefined) await checkFolderMakeable(out, unwritable)
  const instances = await readInstances(resolve(io.cwd, args.instances))
  const jobs = instances.map(({ id, model, property, timeoutMs }): NamedJob => ({
    id,
    model,
    property,
    timeoutMs: args.timeoutMs ?? timeoutMs ?? args.defaultTimeoutMs,
    seed: args.seed,
  }))
  const results = new Map<string, InstanceResult>()
  const progress = new BatchProgress(io, jobs.length)
  const onSettled = async (settled: Settled): Promise<void> => {
    const line = lineOf(settled)
    if ('result' in settled && out !== undefined) {
      await mkdir(out, { recursive: true })
      await writeWhole(join(out, `${line.id}.txt`), `${answerText(settled.result)}\n`, unwritable)
    }
    results.set(line.id, line)
    onResult(line)
    progress.onSettled(settled, line)
  }
  const { workers } = args
  await interruptible(io, async (signal) => {
    await falsifyAll({ jobs, workers, signal, onSettled })
    if (signal.aborted) io.exitCode = exitCodes.interrupted
  })
  progress.end()
  const lines = jobs.flatMap(({ id }) => results.get(id) ?? [])
  if (io.exitCode === exitCodes.ok && lines.some(({ result }) => result === 'error'))
    io.exitCode = exitCodes.incomplete
  return { results: lines, unanswered: jobs.length - lines.length }
}

const lineOf = (settled: Settled): InstanceResult =>
  'result' in settled
    ? {
        id: settled.job.id,
        result: settled.result.result,
        seconds: rounded(settled.result.seconds),
      }
    : {
        id: settled.job.id,
        result: 'error',
        seconds: rounded(settled.seconds),
        reason: settled.error.message,
      }

const rounded = (seconds: number): number => Math.round(seconds * 1000) / 1000

/** Least time between two lines on stderr where there is no terminal. */
const quietMs = 5000

/** How far the batch is: on a terminal one line that redraws itself, else a line now and then. */
class BatchProgress {
  readonly #io: Io
  readonly #total: number
  readonly #isLive: boolean
  readonly #notes = new Set<string>()
  #done = 0
  #found = 0
  #shown = performance.now()

  constructor(io: Io, total: number) {
    this.#io = io
    this.#total = total
    this.#isLive = io.isTty && process.stderr.isTTY === true
  }

  onSettled(settled: Settled, { id, result, reason }: InstanceResult): void {
    this.#done++
    if (result === 'sat') this.#found++
    if (reason !== undefined) this.#say(`${id}: ${reason}`)
    if ('result' in settled)
      for (const note of settled.result.notes) {
        const text = `${settled.job.model}: ${note}`
        if (!this.#notes.has(text)) this.#say(`note: ${text}`)
        this.#notes.add(text)
      }
    const text = `${this.#done}/${this.#total}, ${this.#found} sat  ${id}`
    if (this.#isLive) process.stderr.write(`\r\u001B[2K${text.slice(0, this.#io.columns - 1)}`)
    else if (performance.now() - this.#shown >= quietMs) {
      this.#shown = performance.now()
      this.#io.err(text)
    }
  }

  #say(text: string): void {
    this.end()
    this.#io.err(text)
  }

  /** Takes the line away. */
  end(): void {
    if (this.#isLive) process.stderr.write('\r\u001B[2K')
  }
}

/** The results for people. */
export function printBatch({ results, unanswered }: BatchResults, io: Io): void {
  const rows = results.map(({ id, result, seconds }) => [id, result, `${seconds.toFixed(2)} s`])
  io.out(
    table([['instance', 'result', 'time'], ...rows], {
      width: io.columns,
      decorate: (text, row) => (row === 0 ? paint(io.color, 'dim', text) : text),
    }),
  )
  const count = (of: InstanceResult['result']): number =>
    results.filter(({ result }) => result === of).length
  const total = results.reduce((sum, { seconds }) => sum + seconds, 0)
  const failed = count('error') > 0 ? `, ${count('error')} error` : ''
  const left = unanswered > 0 ? `, ${unanswered} not answered` : ''
  io.out(
    `${count('sat')} sat, ${count('unknown')} unknown${failed}${left}; ${duration(total)} of search`,
  )
}

/** What an interrupted list is told, whatever the form of its results. */
export function printInterrupted({ results, unanswered }: BatchResults, io: Io): void {
  if (unanswered > 0)
    io.err(`interrupted: ${unanswered} of ${results.length + unanswered} instances not answered`)
}
