import { resolve } from 'node:path'
import { writeModelAudit } from '../../../reports/model-audit/write.js'
import { auditModel, type AuditOptions } from '../../audit/model/audit.js'
import type { ModelAudit } from '../../audit/model/result.js'
import { defaultWorkers } from '../../config/schema.js'
import type { Dataset, DatasetSpec } from '../../data/dataset.js'
import { loadDataset } from '../../data/load.js'
import { GauntletError } from '../../errors.js'
import { exitCodes } from '../exit-codes.js'
import { interruptible } from '../interrupt.js'
import type { Io } from '../io.js'
import { checkFolderMakeable } from './writable.js'

/** The command line of `gauntlet audit model`, read. */
export interface AuditModelArgs {
  readonly model: string
  readonly data?: string | undefined
  readonly previous?: string | undefined
  readonly declared: 'any' | 'head'
  readonly out?: string | undefined
  readonly failOn: 'never' | 'flagged'
  readonly seeds: number
  readonly seed: number
  readonly limit: number
  readonly steps?: number | undefined
  readonly workers?: number | undefined
  readonly layout?: 'nchw' | 'nhwc' | undefined
  readonly range?: readonly [number, number] | undefined
  readonly mean?: readonly number[] | undefined
  readonly std?: readonly number[] | undefined
  readonly labels?: string | undefined
  readonly format?: DatasetSpec['format']
  readonly input?: string | undefined
  readonly output?: string | undefined
  readonly json: boolean
}

export interface AuditedOnce {
  readonly audit: ModelAudit
  /** Paths of what was written: the page first. */
  readonly written: readonly string[]
}

/** Audits one model, sets the exit code that `--fail-on` asks for, and writes the page where one is asked for. */
export async function auditOnce(args: AuditModelArgs, io: Io): Promise<AuditedOnce> {
  const at = (path: string): string => resolve(io.cwd, path)
  if (args.declared !== 'any' && args.previous === undefined)
    throw new GauntletError('GNT_USAGE', {
      what: '--declared needs a version to compare with',
      fix: 'name it with --previous',
    })
  const out = args.out === undefined ? undefined : at(args.out)
  if (out !== undefined) await checkFolderMakeable(out, 'the audit cannot be written')
  const data = await dataOf(args, at)
  const { layout, mean, std, input, output, seed, limit, steps, declared } = args
  const options: AuditOptions = {
    model: at(args.model),
    previous: args.previous === undefined ? undefined : at(args.previous),
    data,
    prepare: { layout, mean, std, input, output },
    seeds: Array.from({ length: args.seeds }, (_, i) => seed + i),
    limit,
    steps,
    declared,
    parallel: args.workers ?? defaultWorkers(),
  }
  const progress = progressLine(io, args.json)
  const { audit, pictures } = await interruptible(io, (signal) =>
    auditModel({
      ...options,
      isCancelled: () => signal.aborted,
      onProgress: progress.show,
    }).finally(progress.end),
  )
  const written = out === undefined ? [] : await writeModelAudit({ audit, pictures }, out)
  if (args.failOn === 'flagged') io.exitCode = exitFor(audit)
  return { audit, written }
}

async function dataOf(
  { data, format, labels, range }: AuditModelArgs,
  at: (path: string) => string,
): Promise<Dataset | undefined> {
  if (data === undefined) return undefined
  const path = data === 'glyphs' ? data : at(data)
  return loadDataset({ path, format, range, labels: labels === undefined ? undefined : at(labels) })
}

/** A model that was not run is no model without a backdoor. */
function exitFor({ status, flagged, newlyReachable, findings }: ModelAudit): number {
  const isBad = findings.some(({ severity }) => severity === 'error')
  if (flagged.length > 0 || newlyReachable.length > 0 || isBad) return exitCodes.gateFailed
  return status === 'complete' ? exitCodes.ok : exitCodes.gateInconclusive
}

const redrawMs = 100

/** On a terminal one line that redraws itself, elsewhere a line for each quarter. */
function progressLine(io: Io, quiet: boolean): { show(share: number): void; end(): void } {
  const isLive = io.isTty && process.stderr.isTTY === true
  let [drawn, quarter] = [-Infinity, -1]
  return {
    show(share) {
      const text = `searching for triggers: ${Math.floor(100 * share)} %`
      const isNext = Math.floor(4 * share) > quarter && share < 1
      if (quiet || (isLive ? performance.now() - drawn < redrawMs : !isNext)) return
      drawn = performance.now()
      quarter = Math.floor(4 * share)
      if (isLive) process.stderr.write(`\r\u001B[2K${text}`)
      else io.err(text)
    },
    end() {
      if (isLive && drawn > 0) process.stderr.write('\r\u001B[2K')
    },
  }
}
