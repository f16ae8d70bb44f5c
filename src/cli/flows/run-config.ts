import { loadPlugins } from '../../config/load-plugins.js'
import type { Config } from '../../config/schema.js'
import type { RunReport } from '../../reporter.js'
import { writeReports, type WrittenReport } from '../../../reports/write.js'
import { createHarness } from '../compose.js'
import { interruptible } from '../interrupt.js'
import type { Io } from '../io.js'
import { Progress } from '../progress.js'
import { withStoreOnDemand } from '../with-store.js'
import { executeRun, type RunOutcome } from './execute-run.js'
import { runAudits } from './model-audits.js'
import { reportRun } from './report-run.js'
import { resolveRun } from './resolve.js'
import { checkFolderMakeable } from './writable.js'

export interface ConfigRun {
  readonly outcome: RunOutcome
  readonly report: RunReport
  readonly written: readonly WrittenReport[]
}

/** A configuration from start to reports: what `run`, `gate` and `demo` share. Paths in it are absolute. */
export async function runConfig(
  config: Config,
  io: Io,
  options: { readonly quiet?: boolean } = {},
): Promise<ConfigRun> {
  const harness = createHarness(await loadPlugins(config.plugins, io.cwd))
  const resolved = await resolveRun(config, harness, io.cwd)
  await checkFolderMakeable(config.report.folder, 'reports cannot be written')
  return await withStoreOnDemand(config.store, io.cwd, async (stored) => {
    const progress = new Progress(io, options)
    const outcome = await interruptible(io, async (signal) => {
      const ran = await executeRun(resolved, stored, {
        workers: config.workers,
        devices: config.devices,
        plugins: config.plugins,
        signal,
        events: progress,
      })
      if (resolved.audits.length === 0) return ran
      progress.end()
      return await runAudits(resolved.audits, resolved.dataset, await stored.open(), ran, {
        parallel: config.workers,
        signal,
        onAudit: (version) => {
          if (!options.quiet) io.err(`searching the file of ${version} for backdoors`)
        },
      })
    }).finally(() => progress.end())
    const store = await stored.open()
    const report = await reportRun(store, {
      runId: outcome.runId,
      gate: config.gate,
      dataset: resolved.dataset,
    })
    const written = await writeReports(report, config.report.folder, config.report.formats)
    return { outcome, report, written }
  })
}
