import { relative, resolve } from 'node:path'
import { reportFormats } from '../../config/schema.js'
import { defineCommand } from '../command.js'
import { configOption } from '../options.js'
import { storeOption } from '../with-store.js'

export const reportCommand = defineCommand({
  command: 'report [run]',
  describe: 'Write the reports of a run again, from the store',
  examples: [
    ['gauntlet report', 'the latest run, all formats'],
    ['gauntlet report 20250301 --format markdown --out .', 'one format of the run that starts so'],
  ],
  positionals: {
    run: { type: 'string', default: 'latest', describe: 'id of a run, its start, or latest' },
  },
  options: {
    format: {
      choices: reportFormats,
      array: true,
      requiresArg: true,
      describe: 'format to write; may be given several times (default: as configured, else all)',
    },
    out: {
      type: 'string',
      requiresArg: true,
      describe: 'folder (default: as configured, else gauntlet-report)',
    },
    list: { type: 'boolean', default: false, describe: 'list the runs of the store instead' },
    store: storeOption,
    config: configOption,
  },
  async run(args, io) {
    const { openConfiguredStore } = await import('../flows/configured-store.js')
    const { reportRun } = await import('../flows/report-run.js')
    const { writeReports } = await import('../../../reports/write.js')
    await openConfiguredStore(args, io, async (store, config) => {
      if (args.list) {
        const { table } = await import('../table.js')
        const runs = await store.listRuns()
        if (args.json) io.out(JSON.stringify(runs, null, 2))
        else
          io.out(
            table(
              [
                ['run', 'status', 'suite', 'title'],
                ...runs.map((run) => [run.id, run.status, run.suite, run.title]),
              ],
              {
                width: io.columns,
              },
            ),
          )
        return
      }
      const run = await store.getRun(args.run ?? 'latest')
      const report = await reportRun(store, { runId: run.id, gate: config?.gate })
      if (args.json) {
        const { reporterById } = await import('../../../reports/index.js')
        io.out((await reporterById('json').render(report)).trimEnd())
        return
      }
      const folder = resolve(io.cwd, args.out ?? config?.report.folder ?? 'gauntlet-report')
      const written = await writeReports(
        report,
        folder,
        args.format ?? config?.report.formats ?? reportFormats,
      )
      for (const { path } of written) io.out(`wrote ${relative(io.cwd, path) || path}`)
    })
  },
})
