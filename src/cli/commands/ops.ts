import { resolve } from 'node:path'
import type { AnswerKind, OperatorAnswer } from '../../autodiff/answers.js'
import { defineCommand } from '../command.js'
import type { Io } from '../io.js'
import { paint, table, type Style } from '../table.js'

/** An operator, and where a model was given how many nodes it has of it. */
type Row = OperatorAnswer & { readonly nodes?: number }

export const opsCommand = defineCommand({
  command: 'ops',
  describe: 'List the operators and how each is differentiated',
  examples: [
    ['gauntlet ops', 'every operator'],
    ['gauntlet ops --model net.onnx', 'those of a file; does anything stand in the way?'],
    ['gauntlet ops --refused', 'those without a gradient, and why'],
  ],
  options: {
    model: { type: 'string', requiresArg: true, describe: 'only the operators of this ONNX file' },
    refused: { type: 'boolean', default: false, describe: 'only those without a gradient' },
    markdown: { type: 'boolean', default: false, describe: 'as a page' },
  },
  async run({ model, refused, markdown, json }, io) {
    const { operatorAnswers } = await import('../../autodiff/answers.js')
    const all: readonly Row[] =
      model === undefined ? operatorAnswers() : await rowsOf(resolve(io.cwd, model))
    const rows = refused ? all.filter((row) => row.answer === 'refused') : all
    if (json) io.out(JSON.stringify(rows, null, 2))
    else if (markdown) io.out(page(rows))
    else print(rows, all, io)
  },
})

async function rowsOf(path: string): Promise<Row[]> {
  const [{ countOperators }, { answerOf }, { loadModel }] = await Promise.all([
    import('../../graph/count-operators.js'),
    import('../../autodiff/answers.js'),
    import('../../onnx/load.js'),
  ])
  const { graph } = await loadModel(path)
  return [...countOperators(graph)]
    .toSorted(([, a], [, b]) => b - a)
    .map(([operator, nodes]) => ({ ...answerOf(operator), nodes }))
}

const styles: Readonly<Record<AnswerKind, Style | null>> = {
  rule: null,
  lowered: null,
  'straight-through': 'yellow',
  zero: 'dim',
  refused: 'red',
}

function print(rows: readonly Row[], all: readonly Row[], io: Io): void {
  const hasNodes = rows.some((row) => row.nodes !== undefined)
  const head = ['operator', ...(hasNodes ? ['nodes'] : []), 'answer', 'opsets', 'note']
  const answerColumn = head.indexOf('answer')
  const lines = rows.map((row) => [
    row.operator,
    ...(hasNodes ? [String(row.nodes)] : []),
    row.answer,
    row.opsets.join(', '),
    row.note,
  ])
  if (rows.length > 0)
    io.out(
      table([head, ...lines], {
        width: io.columns,
        decorate(text, row, column) {
          if (row === 0) return paint(io.color, 'dim', text)
          const style = column === answerColumn ? styles[rows[row - 1]!.answer] : null
          return style ? paint(io.color, style, text) : text
        },
      }),
    )
  io.out(summary(all))
  if (all.some((row) => row.nodes !== undefined)) io.out(obstacles(all))
}

/** What of a file's operators has no gradient; it matters where the loss is reached through it alone. */
function obstacles(rows: readonly Row[]): string {
  const refused = rows.filter((row) => row.answer === 'refused')
  if (refused.length === 0)
    return 'no operator stands in the way of a gradient (gauntlet export gradient also tries the form of each node)'
  const each = refused.map(({ operator, nodes }) => `${operator} (${nodes})`).join(', ')
  return `in the way, where a path to the loss leads through it: ${each}`
}

/** `153 rule, 30 lowered, 8 straight-through, 40 zero, 21 refused`. */
function summary(rows: readonly Row[]): string {
  const counts = new Map<AnswerKind, number>()
  for (const { answer } of rows) counts.set(answer, (counts.get(answer) ?? 0) + 1)
  const parts = (Object.keys(styles) as AnswerKind[]).flatMap((kind) =>
    counts.has(kind) ? [`${counts.get(kind)} ${kind}`] : [],
  )
  return `${rows.length} operators: ${parts.join(', ')}`
}

function page(rows: readonly Row[]): string {
  return [
    '# How each operator is differentiated',
    '',
    'Written by `gauntlet ops --markdown`. Opsets are those of ai.onnx that gave the operator a form of its own;',
    'all from 7 to 23 are read.',
    '',
    '- **rule**: a gradient rule in `src/autodiff/rules/`.',
    '- **lowered**: written with simpler operators first, in `src/graph/lower/`.',
    '- **straight-through**: not differentiable; the surrogate in the note stands for the derivative and is reported.',
    '- **zero**: the output does not change with small changes of the input; nothing flows.',
    '- **refused**: an error that says why. Attacks that need no gradient still work.',
    '',
    `${summary(rows)}.`,
    '',
    '| Operator | Answer | Opsets | Note |',
    '| --- | --- | --- | --- |',
    ...rows.map(
      ({ operator, answer, opsets, note }) =>
        `| ${operator} | ${answer} | ${opsets.join(', ')} | ${note} |`,
    ),
  ].join('\n')
}
