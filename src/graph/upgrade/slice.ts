import { tensorOfInts } from '../tensor.js'
import { firstInput, intsAttr, malformed, withAttrs, withInputs, type Step } from './step.js'

/** Slice 10: `starts`, `ends` and `axes` become inputs; `axes` is written out when it was implied. */
export const sliceSteps: readonly Step[] = [
  {
    op: 'Slice',
    to: 10,
    run(node, { constant }) {
      const starts = intsAttr(node, 'starts')
      const ends = intsAttr(node, 'ends')
      if (!starts || !ends) throw malformed(node, 'no starts or no ends')
      const axes = intsAttr(node, 'axes') ?? starts.map((_, axis) => axis)
      const inputs = Object.entries({ starts, ends, axes }).map(([name, values]) =>
        constant(`${node.name}/${name}`, tensorOfInts([values.length], values)),
      )
      return [
        withInputs(withAttrs(node, ['starts', 'ends', 'axes']), [firstInput(node), ...inputs]),
      ]
    },
  },
]
