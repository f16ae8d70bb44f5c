import type { Step } from './step.js'

/** Scatter was renamed to ScatterElements in 11. */
export const scatterSteps: readonly Step[] = [
  { op: 'Scatter', to: 11, run: (node) => [{ ...node, op: 'ScatterElements' }] },
]
