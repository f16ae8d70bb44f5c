import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { takeSamples } from '../../../src/data/dataset.js'
import { loadDataset } from '../../../src/data/load.js'
import type { PrepareOptions } from '../../../src/model/prepare.js'
import { loadModel } from '../../../src/onnx/load.js'
import type { Finding } from '../../../src/trust/types.js'
import { errorsOf, examined, linf } from '../../helpers/examination.js'
import { openModel } from '../../helpers/networks.js'

const folder = join(import.meta.dirname, '../../../../shared/data')
const isThere = existsSync(join(folder, 'vnncomp/onnx'))
if (!isThere) console.warn('skipped: no networks in ../shared/data/vnncomp/onnx')

async function findingsOf(
  name: string,
  pictures: 'mnist' | 'cifar10-robust',
  epsilon: number,
  options: PrepareOptions = {},
): Promise<readonly Finding[]> {
  const data = await loadDataset({ path: join(folder, pictures, 'images.npz') })
  const samples = Array.from({ length: data.count }, (_, i) => i)
  const { graph } = await loadModel(join(folder, 'vnncomp/onnx', `${name}.onnx`))
  const model = await openModel(graph, { ...options, sampleShape: data.shape })
  const x = takeSamples(data, samples)
  return examined(model, { x, labels: data.labels, samples, threats: [linf(epsilon)] })
}

const kw = { mean: [0.485, 0.456, 0.406], std: [0.225, 0.225, 0.225] }

describe.skipIf(!isThere)('an examination of public networks', () => {
  it('finds nothing wrong with a provably robust one', async () => {
    expect(await findingsOf('cifar_base_kw', 'cifar10-robust', 8 / 255, kw)).toEqual([])
  })
  it('finds no error in an undefended one', async () => {
    expect(errorsOf(await findingsOf('mnist-net_256x4', 'mnist', 0.1))).toEqual([])
  })
  it('finds the normalisation that was forgotten', async () => {
    const found = await findingsOf('resnet_2b', 'cifar10-robust', 8 / 255)
    expect(errorsOf(found)).toEqual(['P5'])
  })
})
