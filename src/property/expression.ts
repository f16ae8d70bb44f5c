import { addTo, atomOf, constantOf, isConstant, type Formula, type Linear } from './linear.js'
import { propertyError } from './problem.js'
import { isWord, type List, type Sexp, type Word } from './sexp.js'

/** What an expression is read with. */
export interface Scope {
  readonly path: string
  /** Declared variables: `X_3` → input 3. */
  readonly variables: ReadonlyMap<string, { readonly kind: 'x' | 'y'; readonly index: number }>
}

type Comparison = '<=' | '>=' | '<' | '>' | '='
const comparisons: readonly string[] = ['<=', '>=', '<', '>', '=']
/** What is left of a comparison when it is denied; `=` becomes one of two. */
const opposites = { '<=': '>', '>=': '<', '<': '>=', '>': '<=' } as const

/**
 * A condition: `and`, `or`, `not`, `=>`, comparisons of linear expressions, `true` and `false`.
 * @param isDenied - read its negation
 * @throws GNT_PROPERTY for anything else
 */
export function readFormula(sexp: Sexp, scope: Scope, isDenied = false): Formula {
  if (isWord(sexp)) {
    if (sexp.text !== 'true' && sexp.text !== 'false') throw noCondition(sexp, sexp.text, scope)
    return { kind: (sexp.text === 'true') === isDenied ? 'or' : 'and', parts: [] }
  }
  const [head, ...rest] = sexp.items
  const name = isWord(head) ? head.text : '()'
  if (name === 'and' || name === 'or') {
    const kind = (name === 'and') === isDenied ? 'or' : 'and'
    return { kind, parts: rest.map((part) => readFormula(part, scope, isDenied)) }
  }
  if (name === 'not' && rest.length === 1) return readFormula(rest[0]!, scope, !isDenied)
  if (name === '=>' && rest.length === 2)
    return {
      kind: isDenied ? 'and' : 'or',
      parts: [readFormula(rest[0]!, scope, !isDenied), readFormula(rest[1]!, scope, isDenied)],
    }
  if (!comparisons.includes(name)) throw noCondition(sexp, name, scope)
  if (rest.length < 2)
    throw propertyError('a comparison of fewer than two expressions', scope.path, sexp.line, {
      got: name,
    })
  const sides = rest.map((part) => readLinear(part, scope))
  // As in SMT-LIB, (<= a b c) compares neighbours.
  const parts = sides
    .slice(1)
    .map((right, i) => compare(name as Comparison, sides[i]!, right, isDenied))
  return parts.length === 1 ? parts[0]! : { kind: isDenied ? 'or' : 'and', parts }
}

function compare(written: Comparison, left: Linear, right: Linear, isDenied: boolean): Formula {
  if (written === '=') {
    const parts = (['<=', '>='] as const).map((one) => compare(one, left, right, isDenied))
    return { kind: isDenied ? 'or' : 'and', parts }
  }
  const operator = isDenied ? opposites[written] : written
  const [less, more] = operator.startsWith('<') ? [left, right] : [right, left]
  const atom = atomOf(less, more, operator.length === 1)
  if (atom.x.indices.length > 0 || atom.y.indices.length > 0) return { kind: 'atom', atom }
  const isTrue = atom.isStrict ? 0 < atom.bound : 0 <= atom.bound
  return { kind: isTrue ? 'and' : 'or', parts: [] }
}

const number = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/

/** Linear expressions of X and Y: numbers, variables, +, -, * and / by numbers. */
function readLinear(sexp: Sexp, scope: Scope): Linear {
  if (isWord(sexp)) return readOperand(sexp, scope)
  const [head, ...rest] = sexp.items
  const parts = rest.map((part) => readLinear(part, scope))
  const name = isWord(head) ? head.text : '()'
  const [first] = parts
  if (!first || !['+', '-', '*', '/'].includes(name))
    throw propertyError('not an expression', scope.path, sexp.line, {
      got: name,
      expected: 'numbers, X_i, Y_i, and +, -, *, / of them',
    })
  return checkFinite(combine(name, first, parts.slice(1), sexp, scope), sexp, scope)
}

function combine(name: string, first: Linear, others: Linear[], at: List, scope: Scope): Linear {
  const sum = constantOf(0)
  if (name === '+' || name === '-') {
    const isNegation = name === '-' && others.length === 0
    addTo(sum, first, isNegation ? -1 : 1)
    for (const other of others) addTo(sum, other, name === '+' ? 1 : -1)
    return sum
  }
  return others.reduce((left, right) => {
    const product = constantOf(0)
    if (name === '*' && isConstant(left)) addTo(product, right, left.constant)
    else if (!isConstant(right) || (name === '/' && right.constant === 0))
      throw propertyError('not linear', scope.path, at.line, {
        got: name === '*' ? 'a product of variables' : 'a division by a variable or by 0',
        expected: 'linear constraints',
      })
    else addTo(product, left, name === '*' ? right.constant : 1 / right.constant)
    return product
  }, first)
}

function readOperand(word: Word, scope: Scope): Linear {
  const { text } = word
  if (number.test(text)) return checkFinite(constantOf(Number(text)), word, scope)
  const variable = scope.variables.get(text)
  if (!variable)
    throw propertyError('neither a number nor a declared variable', scope.path, word.line, {
      got: text,
    })
  const linear = constantOf(0)
  linear[variable.kind].set(variable.index, 1)
  return linear
}

function checkFinite(linear: Linear, at: Sexp, scope: Scope): Linear {
  const values = [linear.constant, ...linear.x.values(), ...linear.y.values()]
  if (values.every(Number.isFinite)) return linear
  throw propertyError('a number beyond double precision', scope.path, at.line)
}

const noCondition = (at: Sexp, got: string, scope: Scope): Error =>
  propertyError('not a condition', scope.path, at.line, {
    got,
    expected: 'and, or, not, <=, >=, <, > or =',
  })
