import type { Shape, Size } from '../../graph/shapes.js'
import { tensorOf } from '../../graph/tensor.js'
import { stretch } from '../emit.js'
import { sumTo } from '../sum-to.js'
import { gradient, type Gradients, type RuleContext, type RuleTable } from '../rule.js'

/**
 * Einsum: the gradient of an operand is the Einsum of dY and the other operands onto the labels of that operand. A
 * label that only it has was summed away: dY is the same along it. A label that it has twice picked a diagonal: the
 * gradient is put back there by an identity matrix.
 * Source: ONNX Operators.md, Einsum.
 */
function einsum(context: RuleContext): Gradients {
  const { x, wants, dy } = context
  const { terms, output } = readEquation(context)
  return x.map((_, index) =>
    wants[index] ? operandGradient(context, terms, output, index, dy[0]!) : null,
  )
}

function operandGradient(
  context: RuleContext,
  terms: readonly string[],
  output: string,
  index: number,
  dY: string,
): string {
  const { g, x, y } = context
  const shape = context.shape(x[index]!)
  const others = x.flatMap((name, k) => (k === index ? [] : [{ name, term: terms[k]! }]))
  const inputs = [dY, ...others.map(({ name }) => name)]
  const equation = [output, ...others.map(({ term }) => term)]
  const known = new Set(equation.join(''))
  const sizes = new Map([...output].map((label, k) => [label, context.shape(y[0]!)[k]!]))
  for (const { name, term } of others)
    [...term].forEach((label, k) => {
      const size = context.shape(name)[k]!
      if (!sizes.has(label) || sizes.get(label) === 1) sizes.set(label, size)
    })

  // A second occurrence of a label is an axis of its own, tied to the first by an identity matrix.
  const own: string[] = []
  for (const [axis, label] of [...terms[index]!].entries()) {
    if (!own.includes(label)) {
      own.push(label)
      continue
    }
    const size = shape[axis] as number
    const fresh = unusedLabel([...terms, output, ...own].join(''))
    const identity = Array.from({ length: size * size }, (_, k) => (k % (size + 1) === 0 ? 1 : 0))
    const { dtype } = context.info(x[index]!)
    inputs.push(g.constant(tensorOf(dtype, [size, size], identity), 'identity'))
    equation.push(label + fresh)
    known.add(label).add(fresh)
    sizes.set(label, size).set(fresh, size)
    own.push(fresh)
  }
  const target = own.filter((label) => known.has(label))
  const product = g.emit('Einsum', inputs, {
    equation: `${equation.join(',')}->${target.join('')}`,
  })
  // An axis of size 1 may have been stretched to those of the others.
  const wide: Size[] = target.map((label) => sizes.get(label)!)
  const narrow: Shape = shape.filter((_, axis) => known.has(own[axis]!))
  const fitted = sumTo(g, product, wide, narrow)
  const missing = own.flatMap((label, axis) => (known.has(label) ? [] : [axis]))
  if (missing.length === 0) return fitted
  return stretch(context, g.emit('Unsqueeze', [fitted, g.ints(missing)]), missing, shape, x[index]!)
}

/** One letter per axis for each operand and for the output; an ellipsis becomes letters of its own. */
function readEquation(context: RuleContext): { terms: string[]; output: string } {
  const { x } = context
  const equation = context.string('equation', '').replaceAll(' ', '')
  const [left, right] = equation.split('->') as [string, string | undefined]
  const written = left.split(',')
  const spans = written.map((term, k) =>
    term.includes('...') ? context.shape(x[k]!).length - (term.length - 3) : 0,
  )
  const span = Math.max(0, ...spans)
  let letters = ''
  for (let k = 0; k < span; k++) letters += unusedLabel(equation + letters)
  const terms = written.map((term, k) => term.replace('...', letters.slice(span - spans[k]!)))
  if (right !== undefined) return { terms, output: right.replace('...', letters) }
  // Implicit form: the ellipsis, then every label that occurs once, in alphabetical order.
  const all = written.join('').replaceAll('.', '')
  const once = [...new Set(all)].filter((label) => all.split(label).length === 2)
  return { terms, output: letters + once.toSorted().join('') }
}

function unusedLabel(used: string): string {
  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
  return [...letters].find((letter) => !used.includes(letter))!
}

export const einsumRules: RuleTable = { Einsum: gradient(einsum) }
