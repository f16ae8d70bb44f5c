import { resolve } from 'node:path'
import { dataAuditCsv } from '../../../reports/data-audit/csv.js'
import { writeDataAudit } from '../../../reports/data-audit/write.js'
import { detect, type DetectorOutcome } from '../../audit/data/audit.js'
import { builtInDetectors } from '../../audit/data/index.js'
import { openAuditModel, type OpenModel } from '../../audit/data/network.js'
import { DetectorRegistry } from '../../audit/data/registry.js'
import type { DataAudit, Suspect, SuspectSample, VersionSummary } from '../../audit/data/result.js'
import { openSource, type OpenedSource } from '../../audit/data/source.js'
import { rankSuspects } from '../../audit/data/suspects.js'
import { diffVersions, type VersionDiff } from '../../audit/data/versions.js'
import type { AuditSource } from '../../audit/types.js'
import type { DatasetSpec } from '../../data/dataset.js'
import { GauntletError } from '../../errors.js'
import { loadModel } from '../../onnx/load.js'
import { interruptible } from '../interrupt.js'
import type { Io } from '../io.js'
import { checkFileMakeable, checkFolderMakeable, checkOverwrites, makeWhole } from './writable.js'

/** The command line of `gauntlet audit data`, read. */
export interface AuditDataArgs {
  readonly data: string
  readonly previous?: string | undefined
  readonly control?: string | undefined
  readonly model?: string | undefined
  readonly detectors?: readonly string[] | undefined
  readonly falsePositiveRate: number
  readonly out?: string | undefined
  readonly report?: string | undefined
  readonly folds: number
  readonly seed: number
  readonly limit?: number | undefined
  readonly range?: readonly [number, number] | undefined
  readonly layout?: 'nchw' | 'nhwc' | undefined
  readonly labels?: string | undefined
  readonly format?: DatasetSpec['format']
  readonly json: boolean
}

const unwritable = { csv: 'the suspects cannot be written', report: 'the report cannot be written' }

/** Audits one data set and writes what was asked for, once all of it is done. */
export async function auditDataOnce(
  args: AuditDataArgs,
  io: Io,
): Promise<{ audit: DataAudit; written: readonly string[] }> {
  const start = performance.now()
  const at = (path: string): string => (path === 'glyphs' ? path : resolve(io.cwd, path))
  const inputs = [args.data, args.previous, args.control, args.model].flatMap((path) =>
    path === undefined ? [] : [at(path)],
  )
  const out = args.out === undefined ? undefined : resolve(io.cwd, args.out)
  const report = args.report === undefined ? undefined : resolve(io.cwd, args.report)
  if (out !== undefined) {
    await checkFileMakeable(out, unwritable.csv)
    await checkOverwrites('--out', out, 'what is audited', inputs)
  }
  if (report !== undefined) await checkFolderMakeable(report, unwritable.report)
  const chosen = chosenDetectors(args.detectors)
  const progress = progressLine(io, args.json)
  const found = await interruptible(io, (signal) =>
    examine(args, at, chosen, {
      onStep: progress.show,
      checkpoint() {
        if (!signal.aborted) return
        throw new GauntletError('GNT_INTERRUPTED', { what: 'interrupted; nothing was written' })
      },
    }).finally(progress.end),
  )
  const seconds = Math.round(performance.now() - start) / 1000
  const audit: DataAudit = { ...found.audit, seconds }
  const written: string[] = []
  if (out !== undefined) {
    await makeWhole(out, dataAuditCsv(audit), unwritable.csv)
    written.push(out)
  }
  if (report !== undefined) written.push(...(await writeDataAudit(audit, found.samples, report)))
  return { audit, written }
}

function chosenDetectors(list: readonly string[] | undefined) {
  const registry = new DetectorRegistry(builtInDetectors)
  const ids = list ?? registry.all.map(({ id }) => id)
  return [...new Set(ids)].map((id) => registry.choose(id))
}

interface Watch {
  onStep(text: string): void
  checkpoint(): void
}

async function examine(
  args: AuditDataArgs,
  at: (path: string) => string,
  chosen: ReturnType<typeof chosenDetectors>,
  watch: Watch,
) {
  const { falsePositiveRate, folds, seed, limit, range, layout, format } = args
  const labels = args.labels === undefined ? undefined : at(args.labels)
  const spec = { range, layout, format, limit, labels }
  watch.onStep('reading the data')
  const opened = await openSource({ ...spec, path: at(args.data) })
  const { source } = opened
  // Labels of .npy and IDX are found beside each file; a label file named is the data's own.
  const others = { ...spec, labels: undefined, classes: source.classes }
  const [control, previous] = await Promise.all(
    [args.control, args.previous].map((path) =>
      path === undefined ? null : openLike(source, { ...others, path: at(path) }),
    ),
  )
  const versions = previous ? await compare(opened, previous, watch) : null
  const model = args.model === undefined ? null : await openModel(at(args.model), source)
  try {
    const outcomes = await detect({
      ...watch,
      source,
      chosen,
      falsePositiveRate,
      folds,
      seed,
      model,
      control: control?.source ?? null,
    })
    const suspects = rankSuspects(outcomes, opened.labels, versions)
    const samples = args.report === undefined ? [] : await samplesOf(source, suspects)
    return { audit: auditOf(args, opened, outcomes, suspects, versions), samples }
  } finally {
    await model?.close()
  }
}

async function compare(
  opened: OpenedSource,
  previous: OpenedSource,
  { onStep, checkpoint }: Watch,
): Promise<VersionDiff> {
  onStep('comparing with the previous version')
  return diffVersions(opened.source, previous.source, checkpoint)
}

/** @throws GNT_DATA_SHAPE where its samples are of another kind */
async function openLike(source: AuditSource, spec: DatasetSpec): Promise<OpenedSource> {
  const other = await openSource(spec)
  if (String(other.source.shape) !== String(source.shape))
    throw new GauntletError('GNT_DATA_SHAPE', {
      what: 'data that cannot be compared',
      where: spec.path,
      got: `samples of shape (${other.source.shape.join(', ')})`,
      expected: `(${source.shape.join(', ')})`,
    })
  return other
}

async function openModel(path: string, source: AuditSource): Promise<OpenModel> {
  const { graph } = await loadModel(path)
  const model = await openAuditModel(graph, { sampleShape: source.shape, range: source.range })
  if (model.classes === source.classes) return model
  await model.close()
  throw new GauntletError('GNT_DATA_SHAPE', {
    what: 'model and data have different numbers of classes',
    where: path,
    got: `${model.classes} scores`,
    expected: `${source.classes}, as the data`,
  })
}

function auditOf(
  args: AuditDataArgs,
  { source, format, classNames, isStreamed }: OpenedSource,
  outcomes: readonly DetectorOutcome[],
  suspects: readonly Suspect[],
  versions: VersionDiff | null,
): Omit<DataAudit, 'seconds'> {
  const { falsePositiveRate, seed, control = null } = args
  const { shape, classCounts } = source
  return {
    data: args.data,
    format,
    samples: source.count,
    shape,
    classCounts,
    classNames,
    isStreamed,
    falsePositiveRate,
    seed,
    control,
    model: args.model ?? (outcomes.length > 0 ? 'trained here' : null),
    detectors: outcomes.map(({ result }) => result),
    suspects,
    versions: versions && summaryOf(versions, args.previous!),
  }
}

const summaryOf = (diff: VersionDiff, previous: string): VersionSummary => ({
  previous,
  kept: diff.kept,
  moved: diff.moved,
  added: diff.added.length,
  removed: diff.removed.length,
  relabelled: diff.relabelled.length,
  duplicates: diff.duplicates,
})

/** Pictures in the report. */
const mostSamples = 48

async function samplesOf(
  source: AuditSource,
  suspects: readonly Suspect[],
): Promise<SuspectSample[]> {
  const { shape, range } = source
  const size = shape.reduce((product, side) => product * side, 1)
  const wanted = suspects.slice(0, mostSamples).map(({ index }) => index)
  const found = new Map<number, SuspectSample>()
  for await (const { from, x, labels } of source.batches())
    for (const index of wanted) {
      const row = index - from
      if (row < 0 || row >= labels.length) continue
      found.set(index, { index, shape, range, x: x.slice(row * size, (row + 1) * size) })
    }
  return wanted.flatMap((index) => found.get(index) ?? [])
}

const redrawMs = 100

/** What is being done: one line that redraws itself on a terminal, else a line for each step. */
function progressLine(io: Io, quiet: boolean) {
  const isLive = io.isTty && process.stderr.isTTY === true && !quiet
  let drawn = 0
  let stage = ''
  return {
    show(text: string): void {
      const isNew = text.split(':')[0] !== stage
      stage = text.split(':')[0]!
      if (quiet) return
      if (!isLive) return isNew ? io.err(stage) : undefined
      if (!isNew && performance.now() - drawn < redrawMs) return
      drawn = performance.now()
      process.stderr.write(`\r\u001B[2K${text.slice(0, io.columns - 1)}`)
    },
    end(): void {
      if (isLive && drawn > 0) process.stderr.write('\r\u001B[2K')
    },
  }
}
