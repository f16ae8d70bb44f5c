import type { Attr, Node } from '../ir.js'
import { firstInput, intAttr, type Step, type StepContext } from './step.js'

/**
 * Softmax, LogSoftmax, Hardmax 13: before, the input was flattened to two axes at `axis` (default 1) and normalized
 * over the second; since, `axis` (default −1) alone is normalized. The two agree when `axis` is the last one; otherwise,
 * or when the rank is not known, the flattening is written out.
 */
function flattening(op: string): Step {
  return { op, to: 13, run: upgradeSoftmax }
}

function upgradeSoftmax(node: Node, { rankOf, fresh }: StepContext): readonly Node[] {
  const input = firstInput(node)
  const axis = intAttr(node, 'axis', 1)
  const rank = rankOf(input)
  const last: Readonly<Record<string, Attr>> = { axis: { kind: 'int', value: -1 } }
  if (axis === -1 || axis + 1 === rank) return [{ ...node, attrs: last }]
  const [shape, flat, normalized] = ['shape', 'flat', 'normalized'].map((hint) =>
    fresh(`${node.name}/${hint}`),
  ) as [string, string, string]
  const plain = { domain: '', attrs: {} }
  return [
    { ...plain, name: shape, op: 'Shape', inputs: [input], outputs: [shape] },
    {
      ...plain,
      name: flat,
      op: 'Flatten',
      inputs: [input],
      outputs: [flat],
      attrs: { axis: { kind: 'int', value: axis } },
    },
    { ...node, inputs: [flat], outputs: [normalized], attrs: last },
    {
      ...plain,
      name: fresh(`${node.name}/restored`),
      op: 'Reshape',
      inputs: [normalized, shape],
      outputs: node.outputs,
    },
  ]
}

export const softmaxSteps: readonly Step[] = ['Softmax', 'LogSoftmax', 'Hardmax'].map(flattening)
