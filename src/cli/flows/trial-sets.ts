import type { PoisoningRecord } from '../../plan/trial.js'
import type { TrialSet } from '../../plan/trial-arms.js'
import type { Store } from '../../store/store.js'
import type { RunRecord } from '../../store/types.js'

/** What a run planned to poison, with what came of it, in planned order. Empty for a run that poisons nothing. */
export async function trialSetsOf(store: Store, run: RunRecord): Promise<TrialSet[]> {
  const records = (run.manifest['poisonings'] ?? []) as readonly PoisoningRecord[]
  if (records.length === 0) return []
  const keys = [...new Set(records.flatMap((record) => record.keys))]
  const results = await store.trialsOf(keys)
  const failures = await store.failuresOf(run.id)
  return records.map((record) => ({
    record,
    results: record.keys.flatMap((key) => results.get(key) ?? []),
    failures: record.keys.flatMap((key) => {
      const failure = results.has(key) ? undefined : failures.get(key)
      return failure ? [`${failure.kind}: ${failure.message}`] : []
    }),
  }))
}
