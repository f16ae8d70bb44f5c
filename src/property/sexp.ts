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

/** White space, comments up to the end of a line, parentheses, |quoted| and "quoted" words, and words. */
const token = /[^\S\n]+|\n|;[^\n]*|[()]|\|[^|]*\||"[^"]*"|[^\s();|"]+/y

/**
 * The lists at the top of an SMT-LIB text, one at a time.
 *
 * @param path - of the file, for messages
 * @throws GNT_PROPERTY for parentheses that do not pair, words outside of lists, lists nested too deeply
 */
export function* readLists(text: string, path: string): Generator<List> {
  let line = 1
  let at = 0
  const open: { items: Sexp[]; line: number }[] = []
  while (at < text.length) {
    token.lastIndex = at
    const found = token.exec(text)?.[0]
    if (found === undefined)
      throw propertyError('a quoted word does not end', path, line, {
        got: text.slice(at, at + 40),
      })
    at += found.length
    if (found === '\n') line++
    else if (found === '(') {
      if (open.length >= mostNested)
        throw propertyError(`lists are nested more than ${mostNested} deep`, path, line)
      open.push({ items: [], line })
    } else if (found === ')') {
      const list = open.pop()
      if (!list) throw propertyError('a parenthesis closes nothing', path, line)
      const outer = open.at(-1)
      if (outer) outer.items.push(list)
      else yield list
    } else if (!found.startsWith(';') && found.trim() !== '') {
      const list = open.at(-1)
      if (!list)
        throw propertyError('a word outside of parentheses', path, line, {
          got: found,
          expected: 'VNN-LIB, as in (assert (<= X_0 1.0))',
        })
      list.items.push({ text: found, line })
      line += countBreaks(found)
    }
  }
  const left = open[0]
  if (left)
    throw propertyError('a parenthesis is not closed', path, left.line, {
      fix: 'check that the file is complete',
    })
}

const countBreaks = (text: string): number => text.split('\n').length - 1
