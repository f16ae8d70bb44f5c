import { GauntletError } from '../../errors.js'
import type { ModelAudit } from '../../audit/model/result.js'
import type { Config } from '../../config/schema.js'
import type { Dataset } from '../../data/dataset.js'
import { engineVersion } from '../../plan/key.js'
import type { ModelSpec } from '../../plan/task.js'
import type { Store } from '../../store/store.js'
import type { RunRecord, RunStatus } from '../../store/types.js'
import { digestJson } from '../../util/hash.js'

/** The examination of one version's file for backdoors. */
export interface PlannedAudit {
  /** SHA-256 over everything that can change the result. */
  readonly key: string
  readonly model: ModelSpec
  readonly limit: number
  readonly seeds: readonly number[]
}

/** Where an audit is filed; part of a run's manifest. */
export interface FiledAudit {
  readonly version: string
  readonly key: string
}

/** None unless the configuration asks for them: they take minutes a model. */
export function planAudits(
  { audit, seed }: Pick<Config, 'audit' | 'seed'>,
  models: readonly ModelSpec[],
  { digest }: Pick<Dataset, 'digest'>,
): PlannedAudit[] {
  if (!audit.model) return []
  const { samples: limit, seeds: count } = audit
  const seeds = Array.from({ length: count }, (_, i) => seed + i)
  return models.map((model) => {
    // Names are not part of it: the bytes are.
    const { version: _version, path: _path, ...content } = model
    return {
      key: digestJson(['model-audit', engineVersion, content, digest, limit, seeds]),
      model,
      limit,
      seeds,
    }
  })
}

/** How a run stands before its audits. */
interface Standing {
  readonly runId: string
  readonly status: RunStatus
  readonly tasks: number
  readonly executed: number
  readonly failed: number
}

/**
 * Audits what the store does not have yet, one model after the other, and says how the run stands then. One that
 * fails is noted like a failed task.
 */
export async function runAudits<Outcome extends Standing>(
  audits: readonly PlannedAudit[],
  dataset: Dataset,
  store: Store,
  outcome: Outcome,
  options: {
    readonly parallel: number
    readonly signal: AbortSignal
    readonly onAudit: (version: string) => void
  },
): Promise<Outcome> {
  const known = await store.auditsOf(audits.map(({ key }) => key))
  let { status, executed, failed }: Standing = outcome
  for (const audit of audits) {
    if (status === 'interrupted' || known.has(audit.key)) continue
    options.onAudit(audit.model.version)
    try {
      await store.saveAudit(audit.key, await perform(audit, dataset, options))
      executed++
    } catch (error) {
      if (!(error instanceof GauntletError)) throw error
      if (error.code === 'GNT_INTERRUPTED') status = 'interrupted'
      else {
        await store.saveFailure(outcome.runId, audit.key, {
          kind: 'failed',
          message: error.message,
        })
        failed++
        status = 'incomplete'
      }
    }
  }
  if (status !== outcome.status) await store.setRunStatus(outcome.runId, status)
  return { ...outcome, status, executed, failed, tasks: outcome.tasks + audits.length }
}

async function perform(
  { model, limit, seeds }: PlannedAudit,
  data: Dataset,
  { parallel, signal }: { readonly parallel: number; readonly signal: AbortSignal },
): Promise<ModelAudit> {
  const { auditModel } = await import('../../audit/model/audit.js')
  const { version: _version, path, digest: _digest, ...prepare } = model
  const { audit } = await auditModel({
    model: path,
    data,
    prepare,
    seeds,
    limit,
    parallel,
    isCancelled: () => signal.aborted,
  })
  return audit
}

/** The audits of a run by version, and what did not come to its end, one line each. */
export async function auditsOfRun(
  store: Store,
  run: RunRecord,
): Promise<{
  readonly audits: ReadonlyMap<string, ModelAudit>
  readonly problems: readonly string[]
}> {
  const filed = (run.manifest['audits'] ?? []) as readonly FiledAudit[]
  if (filed.length === 0) return { audits: new Map(), problems: [] }
  const found = await store.auditsOf(filed.map(({ key }) => key))
  const failures = await store.failuresOf(run.id)
  return {
    audits: new Map(
      filed.flatMap(({ version, key }) => {
        const audit = found.get(key)
        return audit ? [[version, audit] as const] : []
      }),
    ),
    problems: filed.flatMap(({ version, key }) => {
      if (found.has(key)) return []
      const failure = failures.get(key)
      return [
        `backdoor audit of ${version}: ${failure ? `${failure.kind}: ${failure.message}` : 'did not run'}`,
      ]
    }),
  }
}
