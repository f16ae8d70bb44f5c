import { axesSteps } from './axes.js'
import { batchNormalizationSteps } from './batch-normalization.js'
import { clipSteps } from './clip.js'
import { dropoutSteps } from './dropout.js'
import { legacySteps } from './legacy.js'
import { padSteps } from './pad.js'
import { resizeSteps } from './resize.js'
import { roiAlignSteps } from './roi-align.js'
import { scatterSteps } from './scatter.js'
import { sliceSteps } from './slice.js'
import { softmaxSteps } from './softmax.js'
import { splitSteps } from './split.js'
import type { Step } from './step.js'
import { topKSteps } from './top-k.js'

/** Every change of form between opset 7 and 18. Changes that only widen types or add a default are not steps. */
export const upgradeSteps: readonly Step[] = [
  ...axesSteps,
  ...batchNormalizationSteps,
  ...clipSteps,
  ...dropoutSteps,
  ...legacySteps,
  ...padSteps,
  ...resizeSteps,
  ...roiAlignSteps,
  ...scatterSteps,
  ...sliceSteps,
  ...softmaxSteps,
  ...splitSteps,
  ...topKSteps,
]
