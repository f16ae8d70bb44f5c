import type { Attr, Node } from '../ir.js'
import { elementCount, tensorOfFloats } from '../tensor.js'
import {
  firstInput,
  malformed,
  refused,
  stringAttr,
  withAttrs,
  withInputs,
  type Step,
} from './step.js'

/** How Upsample and Resize 10 map coordinates: x_in = x_out / scale, rounded down. */
const asymmetric: Readonly<Record<string, Attr>> = {
  coordinate_transformation_mode: { kind: 'string', value: 'asymmetric' },
  nearest_mode: { kind: 'string', value: 'floor' },
}

/** (X, scales) as Resize 11 takes it. */
function asResize(node: Node, scales: string): readonly Node[] {
  const mode: Attr = { kind: 'string', value: stringAttr(node, 'mode') ?? 'nearest' }
  const attrs = { mode, ...asymmetric }
  return [{ ...node, op: 'Resize', inputs: [firstInput(node), '', scales], attrs }]
}

function scalesInput(node: Node): string {
  const scales = node.inputs[1]
  if (!scales) throw malformed(node, 'no scales')
  return scales
}

/** Upsample 7 had scales as an attribute, 9 as an input, 10 replaced it by Resize; Resize 11 added coordinate modes. */
export const resizeSteps: readonly Step[] = [
  {
    op: 'Upsample',
    to: 9,
    run(node, { constant }) {
      const scales = node.attrs['scales']
      if (scales?.kind !== 'floats') throw malformed(node, 'no scales')
      const tensor = tensorOfFloats([scales.value.length], scales.value)
      const input = constant(`${node.name}/scales`, tensor)
      return [withInputs(withAttrs(node, ['scales']), [firstInput(node), input])]
    },
  },
  {
    op: 'Upsample',
    to: 10,
    run: (node) => [{ ...node, op: 'Resize', inputs: [firstInput(node), scalesInput(node)] }],
  },
  { op: 'Resize', to: 11, run: (node) => asResize(node, scalesInput(node)) },
  {
    op: 'Resize',
    to: 13,
    run(node, { constantOf }) {
      if (stringAttr(node, 'coordinate_transformation_mode') === 'tf_half_pixel_for_nn') {
        throw refused(node, 13, 'coordinate_transformation_mode tf_half_pixel_for_nn')
      }
      // Before 13 an input that does not apply was an empty tensor; since, it is absent.
      const isEmpty = (name: string): boolean => {
        const tensor = constantOf(name)
        return tensor !== undefined && elementCount(tensor.dims) === 0
      }
      return [
        withInputs(
          node,
          node.inputs.map((name) => (isEmpty(name) ? '' : name)),
        ),
      ]
    },
  },
]
