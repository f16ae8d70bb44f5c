import type { Atom, Formula } from './linear.js'

/** What holds in every disjunct, and what is to be chosen from. */
export interface Split {
  readonly shared: readonly Atom[]
  readonly choices: readonly Formula[]
}

/** Takes the conjunctions at the top apart. */
export function split(condition: Formula): Split {
  const shared: Atom[] = []
  const choices: Formula[] = []
  const visit = (formula: Formula): void => {
    if (formula.kind === 'atom') shared.push(formula.atom)
    else if (formula.kind === 'and' || formula.parts.length === 1) formula.parts.forEach(visit)
    else choices.push(formula)
  }
  visit(condition)
  return { shared, choices }
}

/**
 * The disjuncts of the conjunction of `choices`, each a list of atoms that hold together. Lazy: a conjunction of n
 * disjunctions has a product of disjuncts, which nobody should write down.
 */
export function* disjunctsOf(choices: readonly Formula[]): Generator<readonly Atom[]> {
  if (choices.length === 0) {
    yield []
    return
  }
  // A counter whose digits are the alternatives of each choice; not recursive, as there may be many choices.
  const digits = [alternatives(choices[0]!)]
  const chosen: (readonly Atom[])[] = []
  while (digits.length > 0) {
    const next = digits.at(-1)!.next()
    chosen.length = digits.length - 1
    if (next.done) {
      digits.pop()
      continue
    }
    chosen.push(next.value)
    if (digits.length === choices.length) yield chosen.flat()
    else digits.push(alternatives(choices[digits.length]!))
  }
}

function* alternatives(formula: Formula): Generator<readonly Atom[]> {
  if (formula.kind === 'atom') yield [formula.atom]
  else if (formula.kind === 'and') yield* disjunctsOf(formula.parts)
  else for (const part of formula.parts) yield* alternatives(part)
}
