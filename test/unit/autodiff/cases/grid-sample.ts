import { input, type Draw, type RuleCase } from '../../../helpers/gradient-check.js'

/** Grid points inside and outside the image, none of which lands near the middle between two pixels or on one. */
const points: Draw = (rng, count) =>
  Array.from({ length: count }, () => {
    // Pixel coordinates k + 0.15 … k + 0.35 of 4 pixels, for either way to align corners.
    const pixel = Math.floor(6 * rng.uniform()) - 1 + 0.15 + 0.2 * rng.uniform()
    return (2 * pixel + 1) / 4 - 1
  })

const cases = (mode: string, opset: number): RuleCase[] =>
  ['zeros', 'border'].flatMap((padding) =>
    [0, 1].map((aligned): RuleCase => ({
      op: 'GridSample',
      label: `${mode}, ${padding}, ${aligned ? 'corners aligned' : 'edges aligned'}`,
      opset,
      inputs: [input(['N', 2, 4, 4]), input(['N', 3, 2, 2], points)],
      attrs: { mode, padding_mode: padding, align_corners: aligned },
    })),
  )

export const gridSampleCases: readonly RuleCase[] = [
  ...cases('bilinear', 16),
  ...cases('linear', 20),
  ...cases('nearest', 20),
]
