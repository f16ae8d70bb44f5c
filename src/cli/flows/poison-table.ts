import { formatPercent, formatRate, formatShareInterval } from '../../stats/format.js'
import { findSignal } from '../../trust/catalogue/index.js'
import type { Io } from '../io.js'
import { duration } from '../progress.js'
import { paint, table } from '../table.js'
import type { PoisonOnceResult } from './poison-once.js'
import type { ArmSummary } from './poison-summary.js'

/** The result for people. */
export function printPoison(
  { summaries, findings, failures, seconds, workers }: PoisonOnceResult,
  io: Io,
): void {
  for (const summary of summaries) {
    const { label, rate, arms, planned, detectors, paths, notes } = summary
    io.out(paint(io.color, 'bold', `${label}, ${formatRate(rate)}: ${trialsText(arms, planned)}`))
    if (arms.length === 0) {
      io.out(`no trial finished, so there is nothing to show: ${whyNot(failures)}`)
      io.out('')
      continue
    }
    const rows = arms.map((one) => [
      one.arm,
      one.removed > 0
        ? `${formatPercent(one.removed)} (${formatPercent(one.removedPoisons)} of the poison)`
        : '-',
      formatPercent(one.cleanAccuracy.estimate),
      `${formatPercent(one.attackSuccess.estimate)} (${formatShareInterval(one.attackSuccess)})`,
      `${one.successfulTrials.successes} of ${one.successfulTrials.trials} (${formatShareInterval(one.successfulTrials)})`,
    ])
    const head = [
      'trained on',
      'taken out',
      'clean accuracy',
      'attack success',
      'successful trials',
    ]
    io.out(
      table([head, ...rows], {
        width: Math.max(io.columns, 120),
        decorate: (text, row) => (row === 0 ? paint(io.color, 'dim', text) : text),
      }),
    )
    for (const one of detectors)
      io.out(
        one.notApplicable === null
          ? `${one.detector}: finds ${formatPercent(one.truePositives)} of the poison, flags ${formatPercent(one.falsePositives)} of the rest and ${formatPercent(one.flaggedInControl)} of clean data`
          : `${one.detector}: does not apply: ${one.notApplicable}`,
      )
    const found = Object.entries(paths)
    if (found.length > 0)
      io.out(
        `attack success by path: ${found.map(([name, share]) => `${name} ${formatPercent(share)}`).join(', ')}`,
      )
    for (const note of notes) io.out(`note: ${note}`)
    io.out('')
  }
  for (const { signal, severity, where, text } of findings)
    if (severity !== 'note')
      io.out(
        paint(
          io.color,
          severity === 'error' ? 'red' : 'yellow',
          `${signal} (${where}) ${text}; what to do: ${findSignal(signal).remedy}`,
        ),
      )
  for (const failure of failures) io.err(paint(io.color, 'red', failure))
  io.out(`${duration(seconds)} with ${workers} worker${workers === 1 ? '' : 's'}`)
}

/** Of trials that all fail, most often for one reason: without their names. */
const whyNot = (failures: readonly string[]): string => {
  const reasons = [...new Set(failures.map((text) => text.replace(/^.*?, trial \d+: /, '')))]
  return reasons.length === 1 ? reasons[0]! : `${reasons.length} reasons, listed below`
}

function trialsText(arms: readonly ArmSummary[], planned: number): string {
  const done = Math.max(0, ...arms.map(({ trials }) => trials))
  return `${done === planned ? planned : `${done} of ${planned}`} trial${planned === 1 ? '' : 's'}`
}
