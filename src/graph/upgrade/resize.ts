import type { Attr, Node, Tensor } from '../ir.js'
import { elementCount, floats, tensorOfFloats } from '../tensor.js'
import {
  firstInput,
  malformed,
  refused,
  stringAttr,
  withAttrs,
  withInputs,
  type Step,
} from './step.js'

type Rounding = 'floor' | 'ceil'

/** (X, scales) as Resize 11 takes it, where coordinates map as before 11: x_in = x_out / scale. */
function asResize(node: Node, scales: string, rounding: Rounding): Node {
  const attrs = {
    mode: text(modeOf(node)),
    coordinate_transformation_mode: text('asymmetric'),
    nearest_mode: text(rounding),
  }
  return { ...node, op: 'Resize', inputs: [firstInput(node), '', scales], attrs }
}

function text(value: string): Attr {
  return { kind: 'string', value }
}

function modeOf(node: Node): string {
  return stringAttr(node, 'mode') ?? 'nearest'
}

/** Resize 10 does not say how `nearest` rounds; ONNX Runtime rounds up along axes that shrink, else down. */
function nearestRounding(node: Node, scales: Tensor | undefined): Rounding {
  if (modeOf(node) !== 'nearest') return 'floor'
  if (!scales) throw refused(node, 11, 'nearest with scales that are computed')
  const factors = floats(scales)
  if (factors.every((factor) => factor >= 1)) return 'floor'
  if (factors.every((factor) => factor <= 1)) return 'ceil'
  throw refused(node, 11, 'nearest that shrinks one axis and stretches another')
}

function scalesInput(node: Node): string {
  const scales = node.inputs[1]
  if (!scales) throw malformed(node, 'no scales')
  return scales
}

/** Upsample 7 had scales as an attribute, 9 as an input; Resize 10 replaced it, and Resize 11 added coordinate modes. */
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
  { op: 'Upsample', to: 11, run: (node) => [asResize(node, scalesInput(node), 'floor')] },
  {
    op: 'Resize',
    to: 11,
    run(node, { constantOf }) {
      const scales = scalesInput(node)
      return [asResize(node, scales, nearestRounding(node, constantOf(scales)))]
    },
  },
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
