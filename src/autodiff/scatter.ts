import { zerosLike } from './emit.js'
import type { RuleContext } from './rule.js'

/**
 * The gradient of any operator that only moves elements of its first input: it is applied to the elements'
 * positions, and dY is added up where they came from. Works for every form; costs a scatter.
 *
 * @param move - the operator, applied to an int64 tensor of X's shape
 */
export function scatterThrough(context: RuleContext, move: (positions: string) => string): string {
  const { g, x, dy } = context
  const shape = g.emit('Shape', [x[0]!])
  const int64 = (value: number): string => g.scalar(value, 'int64')
  const count = g.emit('Size', [x[0]!])
  const positions = g.emit('Reshape', [g.emit('Range', [int64(0), count, int64(1)]), shape])
  const flat = (value: string): string => g.emit('Reshape', [value, g.ints([-1])])
  const scattered = g.emit(
    'ScatterElements',
    [flat(zerosLike(context, x[0]!)), flat(move(positions)), flat(dy[0]!)],
    { axis: 0, reduction: 'add' },
  )
  return g.emit('Reshape', [scattered, shape])
}
