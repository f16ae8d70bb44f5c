/**
 * Cost of one fused PGD step (L∞, cross-entropy) over the model's own forward pass, on one thread. The two take turns,
 * and the ratio is the median over pairs, because machines are shared.
 *
 *   npm run build && node test/bench/step-cost.mjs [--pairs N] [--write] [network …]
 *
 * `--write` puts the table into STEP-COST.md beside this file.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildNetwork, networkNames } from './networks.mjs'

const root = join(import.meta.dirname, '../..')
const folder = join(root, '../shared/data/vnncomp/onnx')
const { encodeModel } = await import(join(root, 'dist/src/onnx/encode.js'))
const { loadModel } = await import(join(root, 'dist/src/onnx/load.js'))
const { prepareModel } = await import(join(root, 'dist/src/model/prepare.js'))
const { Session } = await import(join(root, 'dist/src/runtime/session.js'))
const { compileStep } = await import(join(root, 'dist/src/step/compile.js'))

const { values: flags, positionals } = parseArgs({
  options: { pairs: { type: 'string', default: '21' }, write: { type: 'boolean' } },
  allowPositionals: true,
})

/** Networks of the verification community, 32 × 32 pixels; they lie beside the repository or are left out. */
const published = {
  'ResNet (CIFAR-10), 3 blocks': 'resnet_3b2_bn_mixup_adv_4.0_bs128_lr-1',
  'ResNet (CIFAR-10), 2 blocks': 'resnet_2b',
  'ResNet (CIFAR-10), 4 blocks': 'resnet_4b',
  'CNN cifar_base': 'cifar_base_kw',
  'CNN cifar_deep': 'cifar_deep_kw',
  'CNN cifar_wide': 'cifar_wide_kw',
  'CNN cifar10_small': 'cifar10_small',
  'CNN cifar10_medium': 'cifar10_medium',
  'CNN cifar10_large': 'cifar10_large',
}
const built = {
  'ResNet-50': 'resnet50',
  'MobileNet-V3': 'mobilenetv3',
  'ViT-S/16': 'vits',
  'MLP 784-4×1024-10': 'mlp',
}
const targets = { vits: 2.1, mlp: 2.1 }

async function load(name) {
  if (networkNames.includes(name)) {
    const { graph, sampleShape, classes } = buildNetwork(name)
    const batch = name === 'mlp' ? 64 : 8
    return { graph, options: { sampleShape }, classes, batch }
  }
  const path = join(folder, `${name}.onnx`)
  if (!existsSync(path)) return null
  const { graph } = await loadModel(path)
  const mean = [0.4914, 0.4822, 0.4465]
  const std = [0.2023, 0.1994, 0.201]
  return { graph, options: { sampleShape: [3, 32, 32], mean, std }, classes: 10, batch: 64 }
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

/** Milliseconds per call, over at least 40 ms. */
const time = async (call) => {
  const start = performance.now()
  let calls = 0
  do {
    await call()
    calls++
  } while (performance.now() - start < 40)
  return (performance.now() - start) / calls
}

/** @returns medians over pairs: milliseconds of the forward pass and of the step, and their ratio */
async function measure({ graph, options, classes, batch }) {
  const model = await prepareModel(graph, options)
  const dims = [batch, ...options.sampleShape]
  const size = dims.reduce((a, b) => a * b)
  const images = (data) => ({ dtype: 'float32', dims, data })
  const loss = { loss: 'ce', norm: 'linf', targeted: false, bounds: [0, 1] }
  const forward = await Session.open(encodeModel(model.forward))
  const step = await Session.open(encodeModel(compileStep(model, loss).graph))
  const x = Float32Array.from({ length: size }, (_, k) => ((k * 7919) % 1000) / 1000)
  const labels = BigInt64Array.from({ length: batch }, (_, k) => BigInt(k % classes))
  const feeds = {
    gauntlet_x: images(x),
    lower: images(x.map((value) => Math.max(0, value - 0.03))),
    upper: images(x.map((value) => Math.min(1, value + 0.03))),
    labels: { dtype: 'int64', dims: [batch], data: labels },
    step_size: { dtype: 'float32', dims: [], data: Float32Array.of(0.01) },
  }
  // An attack writes every step into an array it owns; its forward passes make their (small) output.
  const into = { x_next: images(new Float32Array(size)) }
  const rows = []
  for (let pair = -1; pair < Number(flags.pairs); pair++) {
    const a = await time(() => forward.run({ gauntlet_x: feeds.gauntlet_x }))
    const b = await time(() => step.run(feeds, into))
    if (pair >= 0) rows.push([a, b, b / a])
  }
  await forward.close()
  await step.close()
  return [0, 1, 2].map((column) => median(rows.map((row) => row[column])))
}

const lines = [
  '| Network | Batch | Forward ms | Step ms | Step ÷ forward | Target |',
  '| --- | ---: | ---: | ---: | ---: | ---: |',
]
const say = (line) => {
  lines.push(line)
  console.log(line)
}
lines.forEach((line) => console.log(line))
for (const [title, name] of Object.entries({ ...published, ...built })) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  const network = await load(name)
  if (!network) {
    console.log(`skipped: ${name}.onnx is not in ../shared/data/vnncomp/onnx`)
    continue
  }
  const [forward, step, ratio] = await measure(network)
  const cells = [forward.toFixed(2), step.toFixed(2), ratio.toFixed(2)]
  say(`| ${title} | ${network.batch} | ${cells.join(' | ')} | ≤ ${targets[name] ?? 2.3} |`)
}

if (flags.write) {
  const page = join(import.meta.dirname, 'STEP-COST.md')
  writeFileSync(
    page,
    `# Cost of an attack step\n\nOne fused PGD step (L∞, cross-entropy: forward, loss, backward, update, projection) over one forward pass of the\nmodel's own file, both in ONNX Runtime on one thread of ${cpus()[0].model}; medians of ${flags.pairs} pairs that take turns.\nWritten by \`node test/bench/step-cost.mjs --write\`.\n\n${lines.join('\n')}\n`,
  )
}
