import { readFormula } from './expression.js'
import type { Formula } from './linear.js'
import { propertyError } from './problem.js'
import { isWord, readLists, type List } from './sexp.js'

/** A property as its file states it: a counterexample is a point where the condition is true. */
export interface Property {
  /** Variables X_0 … and Y_0 …: the network's input and output, flat, in C order. */
  readonly inputs: number
  readonly outputs: number
  readonly condition: Formula
}

/** Commands of SMT-LIB that say nothing about the property. */
const idle = new Set(['set-logic', 'set-info', 'set-option', 'check-sat', 'get-model', 'exit'])

/** More than any network of today has; the indices are an untrusted file's. */
const mostVariables = 2 ** 24

/**
 * Reads VNN-LIB 1.0: `declare-const` of X_i and Y_i, and `assert` of linear constraints under `and` and `or`. All
 * assertions hold together.
 *
 * @param path - of the file, for messages
 * @throws GNT_PROPERTY with the line
 */
export function parseVnnlib(text: string, path: string): Property {
  const variables = new Map<string, { kind: 'x' | 'y'; index: number }>()
  const parts: Formula[] = []
  for (const list of readLists(text, path)) {
    const [head, ...rest] = list.items
    const command = isWord(head) ? head.text : '()'
    if (command === 'declare-const' || command === 'declare-fun') {
      const { name, kind, index } = readDeclaration(list, path)
      if (variables.has(name)) throw propertyError('declared twice', path, list.line, { got: name })
      variables.set(name, { kind, index })
    } else if (command === 'assert') {
      if (rest.length !== 1)
        throw propertyError('an assertion is of one condition', path, list.line, {
          got: `${rest.length}`,
        })
      parts.push(readFormula(rest[0]!, { path, variables }))
    } else if (!idle.has(command))
      throw propertyError('no command of VNN-LIB 1.0', path, list.line, {
        got: command,
        expected: 'declare-const or assert',
      })
  }
  const inputs = countOf('x', variables, path)
  const outputs = countOf('y', variables, path)
  if (parts.length === 0)
    throw propertyError('nothing is asserted', path, null, { expected: '(assert …)' })
  return { inputs, outputs, condition: { kind: 'and', parts } }
}

interface Declaration {
  readonly name: string
  readonly kind: 'x' | 'y'
  readonly index: number
}

/** `(declare-const X_3 Real)` or `(declare-fun X_3 () Real)` */
function readDeclaration({ items, line }: List, path: string): Declaration {
  const [, name, ...types] = items
  const sort = types.at(-1)
  const text = isWord(name) ? name.text : '()'
  const [, letter, digits] = /^([XY])_(\d{1,9})$/.exec(text) ?? []
  if (letter === undefined)
    throw propertyError('a variable of no such name', path, line, {
      got: text,
      expected: 'X_0, X_1, … for inputs and Y_0, Y_1, … for outputs',
    })
  if (!isWord(sort) || sort.text !== 'Real')
    throw propertyError('a variable of no such type', path, line, {
      got: isWord(sort) ? sort.text : 'nothing',
      expected: 'Real',
    })
  const index = Number(digits)
  if (index >= mostVariables)
    throw propertyError('an index over the limit', path, line, {
      got: text,
      expected: `below ${mostVariables}`,
    })
  return { name: text, kind: letter === 'X' ? 'x' : 'y', index }
}

function countOf(
  kind: 'x' | 'y',
  variables: ReadonlyMap<string, { kind: 'x' | 'y'; index: number }>,
  path: string,
): number {
  const own = new Set(
    [...variables.values()].flatMap((one) => (one.kind === kind ? one.index : [])),
  )
  const letter = kind.toUpperCase()
  if (own.size === 0)
    throw propertyError(`no ${kind === 'x' ? 'input' : 'output'} is declared`, path, null, {
      expected: `(declare-const ${letter}_0 Real)`,
      fix: 'check that the file is a VNN-LIB 1.0 property',
    })
  for (let index = 0; index < own.size; index++)
    if (!own.has(index))
      throw propertyError('a variable is missing', path, null, {
        got: `${own.size} variables ${letter}`,
        expected: `${letter}_${index}`,
      })
  return own.size
}
