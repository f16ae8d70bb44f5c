import { withAttrs, type Step } from './step.js'

/** RoiAlign 16 added a half-pixel shift and made it the default. */
export const roiAlignSteps: readonly Step[] = [
  {
    op: 'RoiAlign',
    to: 16,
    run: (node) => [
      withAttrs(node, [], {
        coordinate_transformation_mode: { kind: 'string', value: 'output_half_pixel' },
      }),
    ],
  },
]
