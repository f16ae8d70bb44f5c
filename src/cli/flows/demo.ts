import { copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { renderConsole } from '../../../reports/console.js'
import { reporterById } from '../../../reports/index.js'
import { loadConfig } from '../../config/load.js'
import { GauntletError } from '../../errors.js'
import { exitForStatus } from '../exit-codes.js'
import type { Io } from '../io.js'
import { packageFile } from '../package-info.js'
import { duration } from '../progress.js'
import { paint } from '../table.js'
import { runConfig } from './run-config.js'

export interface DemoOptions {
  readonly out: string
  readonly workers?: number | undefined
  readonly json: boolean
}

/** The quick suite at radii that suit the glyphs: a step of three tells more than one number. */
const demoConfig = `# The configuration of the demo. Change it, and run it again:
#   gauntlet run -c gauntlet.config.yaml
title: Gauntlet demo
data:
  path: glyphs # 28×28 grey glyphs of ten classes, drawn by Gauntlet
  seed: 1
  limit: 512
models: # oldest first
  - version: v1 # adversarially trained
    path: glyphs-v1.onnx
  - version: v2 # trained for clean accuracy alone
    path: glyphs-v2.onnx
suites:
  - id: quick
    title: Quick check of glyphs, L∞
    attacks:
      - use: fgsm
      - use: pgd
        params: { steps: 20 }
      - use: noise
    threats:
      - norm: linf
        epsilon: [8/255, 16/255, 24/255]
store: results.db
report:
  folder: report
gate:
  baseline: previous
  rules:
    - id: robust-no-worse # on the same samples, at every epsilon
      kind: non-inferiority
      metric: robustAccuracy
      margin: 0.02
    - id: clean-no-worse
      kind: non-inferiority
      metric: cleanAccuracy
      margin: 0.02
    - id: robust-at-16
      kind: floor
      metric: robustAccuracy
      min: 0.5
      scope: { norm: linf, epsilon: 16/255 }
    - id: attacks-ran
      kind: required-attacks
      attacks: [fgsm, pgd, noise]
`

/** Sets the demo up in a folder of its own, runs it from nothing, and says what to look at next. */
export async function runDemo(options: DemoOptions, io: Io): Promise<void> {
  const folder = resolve(io.cwd, options.out)
  const shown = (path: string): string => relative(io.cwd, path) || '.'
  const configPath = join(folder, 'gauntlet.config.yaml')
  await setUp(folder, configPath)
  const say = (text: string): void => void (options.json || io.out(text))
  say(
    paint(
      io.color,
      'bold',
      'Two versions of a small glyph classifier: v1 adversarially trained, v2 for clean accuracy alone.',
    ),
  )
  say(`Gauntlet attacks both on 512 glyphs, in ${shown(folder)}.\n`)

  const started = performance.now()
  const { config } = await loadConfig(configPath, io.cwd)
  const { report, outcome } = await runConfig(
    { ...config, workers: options.workers ?? config.workers },
    io,
    { quiet: options.json },
  )
  // The demo shows a gate that fails; the demo itself has then succeeded.
  io.exitCode = exitForStatus(outcome.status)
  if (options.json) {
    io.out((await reporterById('json').render(report)).trimEnd())
    return
  }
  io.out(renderConsole(report, { color: io.color, width: io.columns, maxLines: 24 }))
  io.out(`\n${outcome.tasks} tasks in ${duration((performance.now() - started) / 1000)}.`)
  const configShown = shown(configPath)
  io.out(
    [
      '',
      `${paint(io.color, 'bold', 'Open')}   ${shown(join(folder, 'report', 'report.html'))}`,
      `${paint(io.color, 'bold', 'Then')}   npx gauntlet gate -c ${configShown}        (exit code 10: the gate failed)`,
      `       npx gauntlet attack ${shown(join(folder, 'glyphs-v2.onnx'))} --data glyphs --limit 512 --eps 16/255`,
      '       npx gauntlet init        (a configuration for your own model)',
    ].join('\n'),
  )
}

/** A fresh start each time: the demo is there to be seen running. */
async function setUp(folder: string, configPath: string): Promise<void> {
  const present = await readdir(folder).catch((): string[] => [])
  if (present.length > 0 && !present.includes('glyphs-v1.onnx'))
    throw new GauntletError('GNT_USAGE', {
      what: 'the folder holds something else',
      where: folder,
      expected: 'an empty folder, or that of an earlier demo',
      fix: 'choose another with --out',
    })
  try {
    await mkdir(folder, { recursive: true })
    for (const name of ['results.db', 'results.db-wal', 'results.db-shm', 'report'])
      await rm(join(folder, name), { recursive: true, force: true })
    for (const name of ['glyphs-v1.onnx', 'glyphs-v2.onnx'])
      await copyFile(packageFile('suites', 'demo', name), join(folder, name))
    await writeFile(configPath, demoConfig)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new GauntletError(
      'GNT_FILE',
      {
        what: 'the demo folder cannot be written',
        where: folder,
        got: code,
        fix: 'choose another with --out',
      },
      { cause },
    )
  }
}
