import { relative } from 'node:path'
import { defineCommand } from '../command.js'
import { exitCodeFor } from '../../gate/verdict.js'
import { exitForStatus } from '../exit-codes.js'
import { configOption, runOptions, settingsOf } from '../options.js'

export const gateCommand = defineCommand({
  command: 'gate',
  describe: 'Run what is missing, then pass or fail the newest version',
  examples: [
    ['gauntlet gate', 'exit 0 passed, 10 failed, 11 inconclusive, 3 incomplete'],
    ['gauntlet gate -c release.config.yaml --json', 'the verdict for a machine'],
  ],
  options: { config: configOption, ...runOptions },
  async run(args, io) {
    const { loadConfig } = await import('../../config/load.js')
    const { runConfig } = await import('../flows/run-config.js')
    const { renderGate } = await import('../../../reports/console.js')
    const { GauntletError } = await import('../../errors.js')
    const { config, path } = await loadConfig(args.config, io.cwd)
    if (!config.gate)
      throw new GauntletError('GNT_CONFIG', {
        what: 'the configuration has no gate',
        where: relative(io.cwd, path),
        fix: 'add gate: { rules: [...] }; gauntlet init writes an example',
      })
    const { report, outcome, written } = await runConfig({ ...config, ...settingsOf(args) }, io, {
      quiet: args.json,
    })
    const { gate } = report
    io.exitCode =
      outcome.status === 'complete' && gate
        ? exitCodeFor(gate.verdict)
        : exitForStatus(outcome.status)
    if (args.json) {
      io.out(JSON.stringify({ runId: outcome.runId, status: outcome.status, gate }, null, 2))
      return
    }
    io.out(renderGate(report, { color: io.color, width: io.columns }))
    const page = written.find(({ id }) => id === 'html')
    if (page) io.out(`\nreport: ${relative(io.cwd, page.path)}`)
  },
})
