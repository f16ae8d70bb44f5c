import { propertyError } from './problem.js'

/** An S-expression: a word, or a list of them. `line` is where it begins, from 1 on. */
export type Sexp = Word | List

export interface Word {
  readonly text: string
  readonly line: number
}

export interface List {
  readonly items: readonly Sexp[]
  readonly line: number
}

export const isWord = (sexp: Sexp | undefined): sexp is Word => sexp !== undefined && 'text' in sexp

/** Deeper than any property is written; whoever walks the lists may recurse. */
const mostNested = 200

/** A |quoted| or "quoted" word, or one up to the next white space, parenthesis, comment or quote. */
const word = /\|[^|]*\||"[^"]*"|[^\s();|"]+/y

/**
 * The lists at the top of an SMT-LIB text, one at a time.
 *
 * @param path - of the file, for messages
 * @throws GNT_PROPERTY for parentheses that do not pair, words outside of lists, lists nested too deeply
 */
export function* readLists(text: string, path: string): Generator<List> {
  let line = 1
  const open: { items: Sexp[]; line: number }[] = []
  for (let at = 0; at < text.length; at++) {
    const mark = text[at]!
    if (mark === '\n') line++
    else if (mark === ';') at = endOfLine(text, at) - 1
    else if (mark === '(') {
      if (open.length >= mostNested)
        throw propertyError(`lists are nested more than ${mostNested} deep`, path, line)
      open.push({ items: [], line })
    } else if (mark === ')') {
      const list = open.pop()
      if (!list) throw propertyError('a parenthesis closes nothing', path, line)
      const outer = open.at(-1)
      if (outer) outer.items.push(list)
      else yield list
    } else if (mark.trim() !== '') {
      const found = wordAt(text, at)
      if (found === undefined)
        throw propertyError('a quoted word does not end', path, line, {
          got: text.slice(at, at + 40),
        })
      const list = open.at(-1)
      if (!list)
        throw propertyError('a word outside of parentheses', path, line, {
          got: found,
          expected: 'VNN-LIB, as in (assert (<= X_0 1.0))',
        })
      list.items.push({ text: found, line })
      at += found.length - 1
      if (mark === '|' || mark === '"') line += found.split('\n').length - 1
    }
  }
  const left = open[0]
  if (left)
    throw propertyError('a parenthesis is not closed', path, left.line, {
      fix: 'check that the file is complete',
    })
}

function wordAt(text: string, at: number): string | undefined {
  word.lastIndex = at
  return word.exec(text)?.[0]
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}
