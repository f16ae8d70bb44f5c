import { relative } from 'node:path'
import { GauntletError } from '../../errors.js'
import { defineCommand } from '../command.js'
import { fail, ok, warn, type Finding, type Patient } from '../doctor/check.js'
import type { Row } from '../doctor/checks.js'
import { exitCodes } from '../exit-codes.js'
import type { Io } from '../io.js'
import { configOption } from '../options.js'
import { paint, table, type Style } from '../table.js'

export const doctorCommand = defineCommand({
  command: 'doctor',
  describe: 'Check this machine, and what the configuration names',
  examples: [
    ['gauntlet doctor', 'exit 0 if a run can start, 2 if not'],
    ['gauntlet doctor -c nightly.config.ts --json', 'another configuration, for machines'],
  ],
  options: { config: configOption },
  async run({ config, json }, io) {
    const { examineAll } = await import('../doctor/checks.js')
    const rows = await examineAll(await admit(config, io.cwd))
    const isFine = rows.every(({ status }) => status !== 'fail')
    io.exitCode = isFine ? exitCodes.ok : exitCodes.usage
    if (json) io.out(JSON.stringify({ ok: isFine, checks: rows }, null, 2))
    else print(rows, io)
  },
})

/** No configuration is fine where none was asked for; a wrong one is not. */
async function admit(path: string | undefined, cwd: string): Promise<Patient> {
  const { findConfigs, loadConfig } = await import('../../config/load.js')
  const without = (configFinding: Finding): Patient => ({ cwd, config: undefined, configFinding })
  if (path === undefined && (await findConfigs(cwd)).length === 0)
    return without(warn('none in this folder: gauntlet init writes one'))
  try {
    const loaded = await loadConfig(path, cwd)
    return {
      cwd,
      config: loaded.config,
      configFinding: ok(relative(cwd, loaded.path) || loaded.path),
    }
  } catch (error) {
    if (error instanceof GauntletError) return without(fail(error.message))
    throw error
  }
}

const signs: Readonly<Record<Finding['status'], string>> = {
  ok: '✓',
  warn: '!',
  fail: '✗',
  skip: '-',
}
const styles: Readonly<Record<Finding['status'], Style>> = {
  ok: 'green',
  warn: 'yellow',
  fail: 'red',
  skip: 'dim',
}

function print(rows: readonly Row[], io: Io): void {
  io.out(
    table(
      rows.map(({ label, status, detail }) => [signs[status], label, detail]),
      {
        width: io.columns,
        decorate: (text, row, column) =>
          column === 0 ? paint(io.color, styles[rows[row]?.status ?? 'skip'], text) : text,
      },
    ),
  )
  const failed = rows.filter(({ status }) => status === 'fail').length
  io.out('')
  const isReady = rows.some(({ label, status }) => label === 'configuration' && status === 'ok')
  if (failed === 0) io.out(isReady ? 'ready: gauntlet run' : 'this machine is ready')
  else io.out(`not ready: ${failed} of ${rows.length} checks failed`)
}
