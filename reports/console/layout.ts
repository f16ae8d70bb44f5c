/** Plain-text layout for a terminal. Widths count code points. */

type Style = 'red' | 'green' | 'yellow' | 'dim'
export type Paint = (style: Style, text: string) => string

const codes: Readonly<Record<Style, string>> = { red: '31', green: '32', yellow: '33', dim: '2' }

export const ansi: Paint = (style, text) => `\u001B[${codes[style]}m${text}\u001B[0m`
export const plain: Paint = (_style, text) => text

/**
 * Left column left, the others right; the first gives way when the whole is too wide. `decorate` adds
 * colour after the widths are settled, and must not change what is seen of the text.
 */
export function columns(
  rows: readonly (readonly string[])[],
  width: number,
  decorate: (text: string, row: number, column: number) => string,
): string[] {
  const widths = (rows[0] ?? []).map((_, c) => Math.max(...rows.map((row) => length(row[c] ?? ''))))
  const others = widths.slice(1).reduce((sum, w) => sum + w + 2, 0)
  const first = Math.max(6, Math.min(widths[0] ?? 0, width - others))
  return rows.map((row, r) => {
    const cells = row.map((text, c) =>
      c === 0 ? pad(cut(text, first), first, 'end') : pad(text, widths[c] ?? 0, 'start'),
    )
    return cells.map((text, c) => decorate(text, r, c)).join('  ')
  })
}

/** Breaks at spaces; lines after the first begin with `indent`. */
export function wrap(text: string, width: number, indent: string): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of printable(text).split(' ')) {
    if (line !== '' && length(`${line} ${word}`) > width) {
      lines.push(line)
      line = indent + word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map((each) => cut(each, width))
}

/** Names are untrusted: escape sequences and line breaks must not reach a terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ')
}

/** At most `width` characters, the last an ellipsis where something is missing. */
export function cut(text: string, width: number): string {
  const safe = printable(text)
  return length(safe) <= width ? safe : `${[...safe].slice(0, width - 1).join('')}…`
}

function pad(text: string, width: number, side: 'start' | 'end'): string {
  const space = ' '.repeat(Math.max(0, width - length(text)))
  return side === 'start' ? space + text : text + space
}

function length(text: string): number {
  return [...text].length
}
