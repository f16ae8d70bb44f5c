import { loadPlugins } from '../../config/load-plugins.js'
import { locatePlugin } from '../../config/locate-plugin.js'
import { GauntletError } from '../../errors.js'
import { kitOf, type Check } from '../../plugin-kit/kit.js'
import type { KitOptions } from '../../plugin-kit/trial.js'
import { exitCodes } from '../exit-codes.js'
import type { Io } from '../io.js'
import { duration } from '../progress.js'
import { paint, table } from '../table.js'

interface CheckResult {
  readonly where: string
  readonly check: string
  readonly ok: boolean
  /** What is wrong; absent if nothing is. */
  readonly flaw?: string
}

/** What `--json` prints of an attack. */
interface PluginResult {
  readonly attack: string
  readonly ok: boolean
  readonly seconds: number
  readonly checks: readonly CheckResult[]
}

/** Runs the conformance suite on all attacks of a module or package, and prints what it found. */
export async function testPlugin(
  name: string,
  options: KitOptions,
  io: Io,
  json: boolean,
): Promise<void> {
  const { attacks, poisons } = await loadPlugins([locatePlugin(name, io.cwd)], io.cwd)
  if (attacks.length === 0)
    throw new GauntletError('GNT_CONFIG', {
      what: 'the plugin holds no attack',
      where: name,
      got: poisons.length > 0 ? 'poisons, which are judged whenever they run' : undefined,
      expected: 'an attack',
    })
  const results: PluginResult[] = []
  for (const plugin of attacks) {
    const kit = kitOf(plugin, options)
    try {
      // Said at once what every check would say again: a parameter that does not exist.
      kit.specify()
      const start = performance.now()
      const checks: CheckResult[] = []
      for (const check of kit.checks) checks.push(await resultOf(check))
      const ok = checks.every((one) => one.ok)
      const seconds = (performance.now() - start) / 1000
      results.push({ attack: plugin.id, ok, seconds, checks })
      if (!json) print(results.at(-1)!, io)
    } finally {
      await kit.close()
    }
  }
  const ok = results.every((one) => one.ok)
  if (json) io.out(JSON.stringify({ ok, attacks: results }, null, 2))
  io.exitCode = ok ? exitCodes.ok : exitCodes.gateFailed
}

async function resultOf(check: Check): Promise<CheckResult> {
  const flaw = await check.find()
  const { where, name } = check
  return flaw === null ? { where, check: name, ok: true } : { where, check: name, ok: false, flaw }
}

/** A line for each check, and one for each thing that is wrong, with where it is. */
function print({ attack, ok, seconds, checks }: PluginResult, io: Io): void {
  io.out(paint(io.color, 'bold', attack))
  const lines: { readonly cells: readonly string[]; readonly failed: boolean }[] = []
  for (const name of new Set(checks.map(({ check }) => check))) {
    const runs = checks.filter(({ check }) => check === name)
    const flaws = new Map<string, string[]>()
    for (const { flaw, where } of runs)
      if (flaw !== undefined) flaws.set(flaw, [...(flaws.get(flaw) ?? []), where])
    const held = runs.filter((one) => one.ok).length
    const failed = held < runs.length
    lines.push({ cells: [failed ? '✗' : '✓', `${held} of ${runs.length}`, name], failed })
    for (const [flaw, places] of flaws)
      lines.push({ cells: ['', '', `${placesText(places)}${flaw}`], failed })
  }
  io.out(
    table(
      lines.map(({ cells }) => cells),
      {
        width: io.columns,
        decorate: (text, row, column) =>
          column === 0 ? paint(io.color, lines[row]!.failed ? 'red' : 'green', text) : text,
      },
    ),
  )
  const failed = checks.filter((one) => !one.ok).length
  const said = ok ? 'all hold' : `${failed} failed`
  io.out(`${checks.length} checks, ${said}, in ${duration(seconds)}`)
}

/** `linf, untargeted: `, of several the first and how many more. */
function placesText([first = '', ...more]: readonly string[]): string {
  if (first === '') return ''
  return more.length > 0 ? `${first} and ${more.length} more: ` : `${first}: `
}
