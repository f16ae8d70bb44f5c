/** Networks and pictures that the attacks are compared on: public files beside the repository. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../../..')
const shared = join(root, '../shared/data')
const { loadModel } = await import(join(root, 'dist/src/onnx/load.js'))
const { loadDataset } = await import(join(root, 'dist/src/data/load.js'))
const { takeSamples } = await import(join(root, 'dist/src/data/dataset.js'))

const kw = { mean: [0.485, 0.456, 0.406], std: [0.225, 0.225, 0.225] }
const mixup = { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] }
const resnet = { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] }

/** Epsilons leave about half of the pictures standing. The first two are compared in every row, the others in those of AutoAttack. */
export const networks = {
  cifar_base_kw: {
    title: 'CNN cifar_base (provably robust training)',
    options: kw,
    epsilons: { linf: 4 / 255, l2: 0.4, l1: 6, l0: 12 },
  },
  resnet_2b: {
    title: 'ResNet, 2 blocks',
    options: resnet,
    epsilons: { linf: 2 / 255, l2: 0.25, l1: 4, l0: 8 },
  },
  cifar_wide_kw: {
    title: 'CNN cifar_wide (provably robust training)',
    options: kw,
    epsilons: { linf: 4 / 255, l2: 0.4, l1: 6, l0: 12 },
  },
  cifar_deep_kw: {
    title: 'CNN cifar_deep (provably robust training)',
    options: kw,
    epsilons: { linf: 4 / 255, l2: 0.4, l1: 6, l0: 12 },
  },
  resnet_4b: {
    title: 'ResNet, 4 blocks',
    options: resnet,
    epsilons: { linf: 3 / 255, l2: 0.5, l1: 4, l0: 8 },
  },
  'resnet_3b2_bn_mixup_adv_4.0_bs128_lr-1': {
    title: 'ResNet, 3 blocks (adversarial training)',
    options: mixup,
    epsilons: { linf: 4 / 255, l2: 0.5, l1: 6, l0: 12 },
  },
  'mnist-net_256x4': {
    title: 'Dense network of 4 layers (MNIST)',
    options: { sampleShape: [1, 28, 28] },
    pictures: 'mnist',
    epsilons: { linf: 12 / 255, l2: 1, l1: 4, l0: 10 },
  },
}

/** @returns null where the file is not beside the repository */
export async function loadNetwork(name) {
  const path = join(shared, 'vnncomp/onnx', `${name}.onnx`)
  if (!existsSync(path)) return null
  const { graph } = await loadModel(path)
  return { graph, options: { sampleShape: [3, 32, 32], ...networks[name].options } }
}

/** @returns null likewise; else x (n, channels, height, width) in [0, 1] and labels */
export async function loadPictures(name) {
  const path = join(shared, networks[name].pictures ?? 'cifar10-robust', 'images.npz')
  if (!existsSync(path)) return null
  const dataset = await loadDataset({ path })
  const values = takeSamples(dataset, [...dataset.labels.keys()])
  // In shared memory, as the pool's threads have it.
  const x = new Float32Array(new SharedArrayBuffer(values.byteLength))
  x.set(values)
  return { x, labels: dataset.labels, dims: [dataset.count, ...dataset.shape] }
}
