import { relative } from 'node:path'
import { defineCommand } from '../command.js'
import { exitForStatus } from '../exit-codes.js'
import { configOption, runOptions, settingsOf } from '../options.js'

export const runCommand = defineCommand({
  command: 'run',
  describe: 'Attack every version in the configuration and write the reports',
  examples: [
    ['gauntlet run', 'run gauntlet.config.* of this folder; again: continue or reuse'],
    ['gauntlet run -c nightly.config.ts --workers 2', 'another configuration, two workers'],
  ],
  options: { config: configOption, ...runOptions },
  async run(args, io) {
    const { loadConfig } = await import('../../config/load.js')
    const { runConfig } = await import('../flows/run-config.js')
    const { renderConsole } = await import('../../../reports/console.js')
    const { config } = await loadConfig(args.config, io.cwd)
    const { report, outcome, written } = await runConfig({ ...config, ...settingsOf(args) }, io, {
      quiet: args.json,
    })
    io.exitCode = exitForStatus(outcome.status)
    if (args.json) {
      const { reporterById } = await import('../../../reports/index.js')
      io.out((await reporterById('json').render(report)).trimEnd())
      return
    }
    io.out(renderConsole(report, { color: io.color, width: io.columns, maxLines: Infinity }))
    io.out('')
    if (outcome.status === 'interrupted')
      io.out('interrupted: run the same command again to continue where it stopped')
    for (const { path } of written) io.out(`wrote ${relative(io.cwd, path) || path}`)
  },
})
