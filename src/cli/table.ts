/** Plain-text tables for the terminal. Widths count code points. */

export type Style = 'dim' | 'bold' | 'green' | 'red' | 'yellow'

const codes: Readonly<Record<Style, string>> = {
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
}

/** The text in a style, or as it is where there are no colours. */
export function paint(color: boolean, style: Style, text: string): string {
  return color && text !== '' ? `\u001B[${codes[style]}m${text}\u001B[0m` : text
}

export interface TableOptions {
  /** Characters a line may have; the last column is broken at spaces to fit. */
  readonly width: number
  /** Colour of a cell; it must not change what is seen of the text. */
  readonly decorate?: (text: string, row: number, column: number) => string
}

const gap = 2
const leastLast = 24

/** Left-aligned columns; no spaces at the ends of lines. */
export function table(rows: readonly (readonly string[])[], options: TableOptions): string {
  const { width, decorate = (text) => text } = options
  const count = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: count }, (_, c) =>
    Math.max(...rows.map((row) => length(clean(row[c] ?? '')))),
  )
  const before = widths.slice(0, -1).reduce((sum, each) => sum + each + gap, 0)
  const last = Math.max(leastLast, width - before)
  return rows
    .flatMap((row, r) => {
      const cells = row.map((cell) => clean(cell))
      const lines = wrap(cells[count - 1] ?? '', last)
      return lines.map((line, i) => {
        const shown = widths.map((w, c) => {
          const text = c === count - 1 ? line : i === 0 ? (cells[c] ?? '') : ''
          const space = c === count - 1 ? '' : ' '.repeat(w - length(text) + gap)
          return { text: text === '' ? '' : decorate(text, r, c), space }
        })
        while (shown.length > 0 && shown.at(-1)?.text === '') shown.pop()
        return shown
          .map(({ text, space }, c) => (c === shown.length - 1 ? text : text + space))
          .join('')
      })
    })
    .join('\n')
}

/** Breaks at spaces. @returns at least one line */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && length(`${line} ${word}`) > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** Names are untrusted: escape sequences and line breaks must not reach a terminal. */
function clean(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ')
}

function length(text: string): number {
  return [...text].length
}
