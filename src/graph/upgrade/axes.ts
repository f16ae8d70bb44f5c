import { tensorOfInts } from '../tensor.js'
import { firstInput, intsAttr, withAttrs, withInputs, type Step } from './step.js'

/** Squeeze, Unsqueeze and the reductions: the attribute `axes` becomes an input; absent stays absent. */
function axesToInput(op: string, to: number): Step {
  return {
    op,
    to,
    run(node, { constant }) {
      const axes = intsAttr(node, 'axes')
      if (!axes) return [node]
      const input = constant(`${node.name}/axes`, tensorOfInts([axes.length], axes))
      return [withInputs(withAttrs(node, ['axes']), [firstInput(node), input])]
    },
  }
}

const reductions = [
  'ReduceL1',
  'ReduceL2',
  'ReduceLogSum',
  'ReduceLogSumExp',
  'ReduceMax',
  'ReduceMean',
  'ReduceMin',
  'ReduceProd',
  'ReduceSumSquare',
]

export const axesSteps: readonly Step[] = [
  ...['Squeeze', 'Unsqueeze', 'ReduceSum'].map((op) => axesToInput(op, 13)),
  ...reductions.map((op) => axesToInput(op, 18)),
]
