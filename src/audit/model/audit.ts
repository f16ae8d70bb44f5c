import { basename } from 'node:path'
import type { Dataset } from '../../data/dataset.js'
import { GauntletError } from '../../errors.js'
import type { PrepareOptions } from '../../model/prepare.js'
import { loadModel, type LoadedModel } from '../../onnx/load.js'
import { diffFindings, diffModels, type DeclaredChange } from './diff.js'
import { findingsOf } from './judge.js'
import type { AuditedFile, AuditFinding, ModelAudit, TriggerPicture } from './result.js'
import { auditSamples } from './samples.js'
import { isLayerFile, scanModel } from './scan/scan.js'
import { compareClasses, sinceFindings } from './since.js'
import { auditVersion, type VersionAudit, type VersionOptions } from './version.js'

export interface AuditOptions {
  /** An ONNX file; or a TF.js `model.json` or a Keras configuration, which is scanned only. */
  readonly model: string
  /** The version before, an ONNX file. */
  readonly previous?: string | undefined
  /** Clean samples with their true classes. Without: the file is scanned and compared, nothing is run. */
  readonly data?: Dataset | undefined
  /** Layout, mean, std, input and output of both models. */
  readonly prepare?: Omit<PrepareOptions, 'sampleShape' | 'range'> | undefined
  /** Default 1, 2, 3. */
  readonly seeds?: readonly number[] | undefined
  /** Most samples that are used. Default 300. */
  readonly limit?: number | undefined
  /** Most steps of a search. Default: as its form says. */
  readonly steps?: number | undefined
  /** What the new version may have changed. Default: anything. */
  readonly declared?: DeclaredChange | undefined
  /** Searches at the same time, a core each; changes no result. Default 1. */
  readonly parallel?: number | undefined
  readonly isCancelled?: (() => boolean) | undefined
  readonly onScan?: ((findings: readonly AuditFinding[]) => void) | undefined
  /** Share of the work that is done, 0 to 1. */
  readonly onProgress?: ((share: number) => void) | undefined
}

export interface AuditOutcome {
  readonly audit: ModelAudit
  /** Of each class and form, of the first seed. */
  readonly pictures: readonly TriggerPicture[]
}

/**
 * Whether a model file carries a backdoor: a scan of the file; what changed since the previous version; for each class the
 * least trigger that sends all other samples to it, and whether one is small beside the others, or beside what it took to
 * reach the class in the previous version.
 *
 * A file in which the scan finds an error is never run; neither is one that cannot be, or without samples: the status
 * is `scanned` then.
 *
 * Backdoors that it cannot see: of a single source class, and with a trigger that depends on the sample (a warp, in part).
 *
 * @throws GNT_FILE, GNT_MODEL_FORMAT, GNT_MODEL_UNSUPPORTED, GNT_DATA_SHAPE, GNT_DATA_VALUES, GNT_GRAD_NO_RULE,
 *   GNT_GRAD_CUT; GNT_COMPARE for a previous version with other classes; GNT_INTERRUPTED
 */
export async function auditModel(options: AuditOptions): Promise<AuditOutcome> {
  const start = performance.now()
  const done = await audited(options)
  const seconds = (performance.now() - start) / 1000
  return { audit: { ...done.audit, seconds }, pictures: done.pictures ?? [] }
}

interface Part {
  readonly audit: Omit<ModelAudit, 'seconds'>
  readonly pictures?: readonly TriggerPicture[]
}

const defaultSeeds = [1, 2, 3] as const

async function audited(options: AuditOptions): Promise<Part> {
  const { model, previous, declared = 'any', data, seeds = defaultSeeds } = options
  const scan = await scanModel(model)
  options.onScan?.(scan)
  const base: Part['audit'] = {
    schema: 'gauntlet-model-audit/1',
    status: 'scanned',
    model: fileOf(model),
    samples: 0,
    seeds,
    classes: [],
    flagged: [],
    newlyReachable: [],
    findings: scan,
  }
  if (isLayerFile(model)) return { audit: { ...base, reason: 'only ONNX files are run' } }
  if (scan.some(({ severity }) => severity === 'error'))
    return { audit: { ...base, reason: 'a file with such findings is not run' } }

  const now = await loadModel(model)
  const old = previous === undefined ? undefined : await loadPrevious(previous)
  const diff = old && diffModels(old.graph, now.graph)
  const known: Part['audit'] = {
    ...base,
    model: fileOf(model, now),
    previous: old && fileOf(previous!, old),
    diff,
    findings: [...scan, ...(diff ? diffFindings(diff, declared) : [])],
  }
  if (!data) return { audit: { ...known, reason: 'no samples were given' } }
  return auditTriggers(known, { now, old }, data, options)
}

async function auditTriggers(
  known: Part['audit'],
  { now, old }: { now: LoadedModel; old: LoadedModel | undefined },
  data: Dataset,
  options: AuditOptions,
): Promise<Part> {
  const { model, previous = '', seeds = defaultSeeds, onProgress = () => {} } = options
  const { prepare = {}, steps, parallel = 1, isCancelled = () => false } = options
  const samples = auditSamples(data, options.limit ?? 300)
  const each: VersionOptions = { data, samples, prepare, seeds, steps, parallel, isCancelled }
  const share = old ? 0.5 : 1
  const found = await auditVersion(now.graph, model, each, (done) => onProgress(share * done))
  const before =
    old &&
    (await auditVersion(old.graph, previous, each, (done) => onProgress(share + share * done)))
  const since = before && compareVersions(found, before, previous)
  const classes = found.classes.map((one, i) => ({
    ...one,
    since: since?.[i]?.forms,
    newlyReachable: since?.[i]?.newlyReachable ?? false,
  }))
  const nameOf = (label: number): string => data.classNames?.[label] ?? String(label)
  const audit: Part['audit'] = {
    ...known,
    status: 'complete',
    model: { ...known.model, accuracy: found.accuracy },
    previous: known.previous && { ...known.previous, accuracy: before?.accuracy ?? null },
    samples: samples.count,
    classes,
    flagged: classes.flatMap(({ label, flagged }) => (flagged ? [label] : [])),
    newlyReachable: classes.flatMap((one) => (one.newlyReachable ? [one.label] : [])),
    findings: [
      ...known.findings,
      ...accuracyFindings(found.accuracy, classes.length, samples.count),
      ...found.findings,
      ...findingsOf(classes, seeds),
      ...(since ? sinceFindings(since, basename(previous), nameOf) : []),
    ],
  }
  return { audit, pictures: found.pictures }
}

function compareVersions(now: VersionAudit, before: VersionAudit, previous: string) {
  if (before.classes.length === now.classes.length)
    return compareClasses(now.classes, before.classes)
  throw new GauntletError('GNT_COMPARE', {
    what: 'the previous version has other classes',
    where: previous,
    got: String(before.classes.length),
    expected: String(now.classes.length),
    fix: 'leave --previous out',
  })
}

/** The previous version is untrusted as well. */
async function loadPrevious(path: string): Promise<LoadedModel> {
  if (isLayerFile(path))
    throw new GauntletError('GNT_USAGE', {
      what: 'the previous version cannot be compared',
      where: path,
      got: 'a .json file',
      expected: 'an ONNX file',
    })
  const bad = (await scanModel(path)).find(({ severity }) => severity === 'error')
  if (!bad) return loadModel(path)
  throw new GauntletError('GNT_MODEL_FORMAT', {
    what: 'the previous version is suspicious itself, and is not run',
    where: [path, bad.where].filter(Boolean).join(', '),
    got: bad.text,
    fix: 'audit it alone, or leave --previous out',
  })
}

const fileOf = (path: string, loaded?: LoadedModel): AuditedFile => ({
  file: basename(path),
  digest: loaded?.digest ?? null,
  accuracy: null,
})

/** A model that sees its samples in a wrong range knows no class from another, and neither does its audit. */
function accuracyFindings(accuracy: number, classes: number, count: number): AuditFinding[] {
  const chance = 1 / classes
  if (accuracy > chance + 3 * Math.sqrt((chance * (1 - chance)) / count)) return []
  return [
    {
      signal: 'P6',
      severity: 'error',
      where: '',
      text: `${(100 * accuracy).toFixed(0)} % of the samples are classified right, no more than by chance: check --range, --mean and --std; the audit says nothing`,
    },
  ]
}
