import {
  absent,
  input,
  ints,
  type Operand,
  type RuleCase,
} from '../../../helpers/gradient-check.js'
import { float } from '../../../helpers/graphs.js'

const image = input(['N', 2, 4, 5])
const none = absent

/** By scales of the two spatial axes. */
const scaled = (
  label: string,
  h: number,
  w: number,
  attrs: RuleCase['attrs'] = {},
  x: Operand = image,
): RuleCase => ({
  op: 'Resize',
  label,
  inputs: [x, none, fixed32([4], 1, 1, h, w)],
  attrs,
})

/** Scales are float32 whatever the precision of the test. */
function fixed32(dims: readonly number[], ...values: number[]): Operand {
  return {
    kind: 'tensor',
    tensor: { dtype: 'float32', dims, data: new Uint8Array(Float32Array.from(values).buffer) },
  }
}

const mappings = [
  'half_pixel',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
  'half_pixel_symmetric',
]

export const resizeCases: readonly RuleCase[] = [
  scaled('nearest, twice, as a pool', 2, 2, {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  }),
  scaled('nearest, three and two times, half pixels', 3, 2, { mode: 'nearest' }),
  ...['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'].flatMap((rounding) => [
    scaled(`nearest, ${rounding}, up`, 1.7, 2.3, { mode: 'nearest', nearest_mode: rounding }),
    scaled(`nearest, ${rounding}, down`, 0.5, 0.7, { mode: 'nearest', nearest_mode: rounding }),
  ]),
  ...mappings.flatMap((mapping) =>
    ['nearest', 'linear', 'cubic'].flatMap((mode) => {
      const attrs = { mode, coordinate_transformation_mode: mapping }
      const opset = mapping === 'half_pixel_symmetric' ? 19 : 18
      return [
        { ...scaled(`${mode}, ${mapping}, up`, 1.75, 2, attrs), opset },
        { ...scaled(`${mode}, ${mapping}, down`, 0.75, 0.6, attrs), opset },
      ]
    }),
  ),
  scaled('cubic, own coefficient, nothing from outside', 1.5, 2, {
    mode: 'cubic',
    cubic_coeff_a: float(-0.5),
    exclude_outside: 1,
  }),
  scaled('linear, antialias', 0.6, 0.5, { mode: 'linear', antialias: 1 }),
  scaled('cubic, antialias', 0.6, 0.5, { mode: 'cubic', antialias: 1 }),
  {
    op: 'Resize',
    label: 'sizes',
    inputs: [input([4, 2, 4, 5]), none, none, ints(4, 2, 7, 8)],
    attrs: { mode: 'linear' },
  },
  {
    op: 'Resize',
    label: 'sizes of named axes',
    inputs: [image, none, none, ints(7, 8)],
    attrs: { mode: 'linear', axes: [2, 3] },
  },
  {
    op: 'Resize',
    label: 'scales of one named axis, counted from the end',
    inputs: [image, none, fixed32([1], 2.5)],
    attrs: { mode: 'linear', axes: [-1] },
  },
  {
    op: 'Resize',
    label: 'no larger',
    inputs: [image, none, none, ints(8, 12)],
    attrs: { mode: 'linear', axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' },
  },
  {
    op: 'Resize',
    label: 'no smaller',
    inputs: [image, none, none, ints(8, 15)],
    attrs: { mode: 'linear', axes: [2, 3], keep_aspect_ratio_policy: 'not_smaller' },
  },
  {
    op: 'Resize',
    label: 'a region, with a value for what lies outside',
    inputs: [image, fixed32([8], 0, 0, 0.2, -0.1, 1, 1, 0.8, 1.2), fixed32([4], 1, 1, 1.5, 1.2)],
    attrs: {
      mode: 'linear',
      coordinate_transformation_mode: 'tf_crop_and_resize',
      extrapolation_value: float(3),
    },
  },
  {
    op: 'Resize',
    label: 'one spatial axis',
    inputs: [input(['N', 2, 5]), none, fixed32([3], 1, 1, 2)],
    attrs: { mode: 'linear' },
  },
  {
    op: 'Resize',
    label: 'volumes',
    inputs: [input(['N', 2, 3, 2, 3]), none, fixed32([5], 1, 1, 2, 1.5, 2)],
    attrs: { mode: 'linear' },
  },
  {
    op: 'Resize',
    label: 'volumes, nearest',
    inputs: [input(['N', 2, 3, 2, 3]), none, fixed32([5], 1, 1, 2, 2, 2)],
    attrs: { mode: 'nearest' },
  },
]
