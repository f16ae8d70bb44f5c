import type { Node } from '../ir.js'
import { tensorOfFloats } from '../tensor.js'
import {
  firstInput,
  floatAttr,
  withAttrs,
  withInputs,
  type Step,
  type StepContext,
} from './step.js'

/** Clip 11: the attributes `min` and `max` become inputs of the element type of the data. */
export const clipSteps: readonly Step[] = [
  {
    op: 'Clip',
    to: 11,
    run(node, context) {
      const data = firstInput(node)
      const [min, max] = ['min', 'max'].map((side) =>
        bound(node, side, floatAttr(node, side), data, context),
      )
      const bounds = [min, max].map((side) => side?.name ?? '')
      const casts = [min, max].flatMap((side) => side?.nodes ?? [])
      return [...casts, withInputs(withAttrs(node, ['min', 'max']), [data, ...bounds])]
    },
  },
]

/** A float constant of the element type of `like`. */
export function bound(
  node: Node,
  hint: string,
  value: number | undefined,
  like: string,
  { constant, fresh, isAllFloat32 }: StepContext,
): { name: string; nodes: readonly Node[] } | undefined {
  if (value === undefined) return undefined
  const name = constant(`${node.name}/${hint}`, tensorOfFloats([], [value]))
  if (isAllFloat32) return { name, nodes: [] }
  const cast = fresh(`${node.name}/${hint}_like`)
  const castLike: Node = {
    name: cast,
    op: 'CastLike',
    domain: '',
    inputs: [name, like],
    outputs: [cast],
    attrs: {},
  }
  return { name: cast, nodes: [castLike] }
}
