import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import { prepareModel } from '../../../src/model/prepare.js'
import { loadModel } from '../../../src/onnx/load.js'
import { publicModels } from '../../helpers/graphs.js'
import { gradientError } from '../../helpers/networks.js'

/** Sample shape (without the batch) and classes, by the beginning of the file's name. */
const expected: readonly (readonly [RegExp, readonly number[], number])[] = [
  [/^ACASXU/, [1, 1, 5], 5],
  [/^cartpole/, [4], 2],
  [/^lunarlander/, [8], 4],
  [/^dubinsrejoin/, [8], 8],
  [/^mnist-net/, [784, 1], 10],
  [/^cifar10_/, [32, 32, 3], 10],
  [/^(cifar_|resnet)/, [3, 32, 32], 10],
]

/** Outside its own domain a control network is flat. */
const domain = (name: string): [number, number] =>
  name.startsWith('ACASXU') ? [-0.5, 0.5] : [0, 1]

describe.skipIf(publicModels.length === 0).each(publicModels.map((path) => [basename(path), path]))(
  '%s',
  (name, path) => {
    it('is prepared with a free batch, and its gradient is that of its loss', async () => {
      const { graph } = await loadModel(path)
      const model = await prepareModel(graph)
      const [, sampleShape, classes] = expected.find(([pattern]) => pattern.test(name))!
      expect(model).toMatchObject({ sampleShape, classes, batch: null, head: 'logits', notes: [] })
      for (const loss of ['ce', 'margin'] as const)
        expect(await gradientError(model, { loss, range: domain(name) }), loss).toBeLessThan(0.01)
    })
  },
)

const publicModel = (part: string): string => publicModels.find((path) => path.includes(part))!

describe.skipIf(publicModels.length === 0)('data of another shape', () => {
  it.each([
    ['cifar10_small', [3, 32, 32], true],
    ['mnist-net_256x2', [1, 28, 28], false],
    ['cifar_base_kw', [3, 32, 32], false],
  ])('%s takes channels-first images %s', async (part, sampleShape, isTransposed) => {
    const { graph } = await loadModel(publicModel(part))
    const model = await prepareModel(graph, { sampleShape })
    expect(model.sampleShape).toEqual(sampleShape)
    expect(model.classes).toBe(10)
    expect(model.graph.nodes.some((node) => node.op === 'Transpose')).toBe(isTransposed)
    expect(await gradientError(model, { loss: 'margin' })).toBeLessThan(0.01)
  })
})
