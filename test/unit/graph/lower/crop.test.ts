import { expect, it } from 'vitest'
import { tensorOfInts } from '../../../../src/graph/tensor.js'
import { compileGradient } from '../../../../src/model/gradient.js'
import { doubleGradientError, doubleNoise } from '../../../helpers/double-check.js'
import { graphOf, nodeOf } from '../../../helpers/graphs.js'

// In a whole model ONNX Runtime writes the operator as a function: with the shape constant, all of it is.
it('crops and pads images of a free batch in a whole model', async () => {
  const network = graphOf({
    inputs: { x: ['N', 2, 7, 4] },
    initializers: { size: tensorOfInts([2], [4, 7]) },
    nodes: [
      nodeOf('CenterCropPad', ['x', 'size'], ['middle'], { axes: [2, 3] }),
      nodeOf('Mul', ['middle', 'middle'], ['y']),
    ],
  })
  const losses = [{ output: 'y', loss: 'vjp' }] as const
  const { graph } = await compileGradient(network, { wrt: ['x'], losses, dtype: 'float64' })
  const feeds = { x: doubleNoise([3, 2, 7, 4], 'x'), 'seed/y': doubleNoise([3, 2, 4, 7], 'seed') }
  expect(await doubleGradientError(graph, feeds, ['x'])).toBeLessThan(1e-8)
})
