/** The networks that are timed, each with the shape of its samples and the batch of a step. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { buildNetwork, networkNames } from '../../bench/networks.mjs'

const root = join(import.meta.dirname, '../../..')
const folder = join(root, '../shared/data/vnncomp/onnx')
const { loadModel } = await import(join(root, 'dist/src/onnx/load.js'))

/** Title, and what the step's speed is to be over PyTorch's. */
export const networks = {
  'resnet_3b2_bn_mixup_adv_4.0_bs128_lr-1': ['ResNet (CIFAR-10), 3 blocks', 1.3],
  resnet_2b: ['ResNet (CIFAR-10), 2 blocks', 1.3],
  resnet_4b: ['ResNet (CIFAR-10), 4 blocks', 1.3],
  cifar_base_kw: ['CNN cifar_base', 1.3],
  cifar_deep_kw: ['CNN cifar_deep', 1.3],
  cifar_wide_kw: ['CNN cifar_wide', 1.3],
  cifar10_small: ['CNN cifar10_small', 1.3],
  cifar10_medium: ['CNN cifar10_medium', 1.3],
  cifar10_large: ['CNN cifar10_large', 1.3],
  resnet50: ['ResNet-50', 1.3],
  mobilenetv3: ['MobileNet-V3', 1.3],
  vits: ['ViT-S/16', 1],
  mlp: ['MLP 784-4×1024-10', 1],
}

/** @returns null where the file is not beside the repository */
export async function loadNetwork(name) {
  if (networkNames.includes(name)) {
    const { graph, sampleShape, classes } = buildNetwork(name)
    return { graph, options: { sampleShape }, classes, batch: name === 'mlp' ? 64 : 8 }
  }
  const path = join(folder, `${name}.onnx`)
  if (!existsSync(path)) return null
  const { graph } = await loadModel(path)
  const statistics = name.startsWith('cifar10')
    ? {}
    : { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] }
  return { graph, options: { sampleShape: [3, 32, 32], ...statistics }, classes: 10, batch: 64 }
}
