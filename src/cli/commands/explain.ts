import type { Severity, Signal } from '../../trust/types.js'
import { defineCommand } from '../command.js'
import type { Io } from '../io.js'
import { paint, table, type Style } from '../table.js'

export const explainCommand = defineCommand({
  command: 'explain [id]',
  describe: 'Explain the signals by which an evaluation is doubted, or one',
  examples: [
    ['gauntlet explain', 'all signals'],
    ['gauntlet explain E2', 'what E2 means, who described it, and what to do'],
  ],
  positionals: { id: { type: 'string', describe: 'signal to explain' } },
  async run({ id, json }, io) {
    const { findSignal, signals } = await import('../../trust/catalogue/index.js')
    const found = id === undefined ? signals : findSignal(id)
    if (json) io.out(JSON.stringify(found, null, 2))
    else if ('id' in found) printOne(found, io)
    else printAll(found, io)
  },
})

const meanings: Readonly<Record<Severity, string>> = {
  error: 'the number is void',
  warning: 'the number is trusted less',
  note: 'for the reader to know',
}
const styles: Readonly<Record<Severity, Style>> = { error: 'red', warning: 'yellow', note: 'dim' }

function printAll(signals: readonly Signal[], io: Io): void {
  io.out(
    table(
      [['id', 'severity', 'signal'], ...signals.map((one) => [one.id, one.severity, one.title])],
      {
        width: io.columns,
        decorate(text, row, column) {
          if (row === 0) return paint(io.color, 'dim', text)
          return column === 1 ? paint(io.color, styles[signals[row - 1]!.severity], text) : text
        },
      },
    ),
  )
}

function printOne({ id, title, severity, test, source, remedy }: Signal, io: Io): void {
  io.out(paint(io.color, 'bold', `${id}: ${title}`))
  io.out(
    table(
      [
        ['severity', `${severity}: ${meanings[severity]}`],
        ['raised if', test],
        ['source', source],
        ['what to do', remedy],
      ],
      {
        width: io.columns,
        decorate: (text, _row, column) => (column === 0 ? paint(io.color, 'dim', text) : text),
      },
    ),
  )
}
