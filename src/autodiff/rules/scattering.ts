import { isSame, zerosLike } from '../emit.js'
import { gradient, type Gradients, type RuleContext, type RuleTable } from '../rule.js'

/** How an operator of this family reads and writes at the node's indices. */
interface Places {
  /** The elements of a value of the data's shape, one for each update. */
  read(context: RuleContext, value: string): string
  /** `data` with `updates` put, or added, at their places. */
  write(context: RuleContext, data: string, updates: string, reduction: 'none' | 'add'): string
}

/**
 * ScatterElements and ScatterND: the updates get dY at their places, the data the rest. With the reduction
 * - `add` the data get all of it;
 * - `mul` each factor gets dY·Y / itself;
 * - `max` and `min` share dY evenly among all that are equal to the result, as PyTorch's scatter_reduce.
 */
const scattered = (places: Places): RuleTable[string] =>
  gradient((context) => {
    const { g, x, dy, wants, string } = context
    const dY = dy[0]!
    const [data, , updates] = x as [string, string, string]
    switch (string('reduction', 'none')) {
      case 'add':
        return [wants[0] ? dY : null, null, wants[2] ? places.read(context, dY) : null]
      case 'mul': {
        const product = g.emit('Mul', [dY, context.y[0]!])
        return [
          wants[0] ? g.emit('Div', [product, data]) : null,
          null,
          wants[2] ? g.emit('Div', [places.read(context, product), updates]) : null,
        ]
      }
      case 'max':
      case 'min':
        return extreme(context, places)
      default: {
        const rest = (): string => places.write(context, dY, zerosLike(context, updates), 'none')
        return [wants[0] ? rest() : null, null, wants[2] ? places.read(context, dY) : null]
      }
    }
  })

function extreme(context: RuleContext, places: Places): Gradients {
  const { g, x, y, dy, wants } = context
  const [data, , updates] = x as [string, string, string]
  const isDatum = isSame(context, data, y[0]!)
  const isUpdate = isSame(context, updates, places.read(context, y[0]!))
  const share = g.emit('Div', [dy[0]!, places.write(context, isDatum, isUpdate, 'add')])
  return [
    wants[0] ? g.emit('Mul', [share, isDatum]) : null,
    null,
    wants[2] ? g.emit('Mul', [places.read(context, share), isUpdate]) : null,
  ]
}

const elements: Places = {
  read: ({ g, x, int }, value) =>
    g.emit('GatherElements', [value, x[1]!], { axis: int('axis', 0) }),
  write: ({ g, x, int }, data, updates, reduction) =>
    g.emit('ScatterElements', [data, x[1]!, updates], { axis: int('axis', 0), reduction }),
}

const slices: Places = {
  read: ({ g, x }, value) => g.emit('GatherND', [value, x[1]!]),
  write: ({ g, x }, data, updates, reduction) =>
    g.emit('ScatterND', [data, x[1]!, updates], { reduction }),
}

export const scatteringRules: RuleTable = {
  ScatterElements: scattered(elements),
  ScatterND: scattered(slices),
}
