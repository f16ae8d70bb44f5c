/**
 * Cost of one fused PGD step (L∞, cross-entropy) over the model's own forward pass, on one thread. The two take turns,
 * and the ratio is the median over pairs, because machines are shared.
 *
 *   npm run build && node test/bench/step-cost.mjs [--pairs N] [--write] [network …]
 *
 * `--write` puts the table into STEP-COST.md beside this file.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import ort from 'onnxruntime-node'
import { buildNetwork, networkNames } from './networks.mjs'
import { writePage } from './page.mjs'

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

/** Kernels that multiply weights or activations with one another: what the arithmetic of 2 is about. */
const products = new Set([
  'Conv',
  'ConvTranspose',
  'FusedConv',
  'FusedGemm',
  'FusedMatMul',
  'Gemm',
  'MatMul',
])

/** Of the time that the kernels of a graph take, the share of `products`, from ONNX Runtime's own profile. */
async function shareOfProducts(bytes, feeds) {
  const folder = mkdtempSync(join(tmpdir(), 'gauntlet-bench-'))
  try {
    const session = await ort.InferenceSession.create(bytes, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      enableProfiling: true,
      profileFilePrefix: join(folder, 'profile'),
      logSeverityLevel: 4,
    })
    const tensors = Object.entries(feeds).map(([name, { dtype, data, dims }]) => [
      name,
      new ort.Tensor(dtype, data, dims),
    ])
    for (let k = 0; k < 7; k++) await session.run(Object.fromEntries(tensors))
    session.endProfiling()
    await session.release()
    const [file] = readdirSync(folder)
    const durations = new Map()
    for (const { cat, name, dur, args } of JSON.parse(readFileSync(join(folder, file), 'utf8'))) {
      if (cat !== 'Node' || !name.endsWith('_kernel_time')) continue
      const one = durations.get(name) ?? { op: args.op_name, times: [] }
      one.times.push(dur)
      durations.set(name, one)
    }
    const sum = (wanted) =>
      [...durations.values()]
        .filter(({ op }) => wanted(op))
        .reduce((total, { times }) => total + median(times), 0)
    return sum((op) => products.has(op)) / sum(() => true)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @returns medians over pairs: milliseconds of the forward pass and of the step, their ratio, and that of the products alone */
async function measure({ graph, options, classes, batch }) {
  const model = await prepareModel(graph, options)
  const dims = [batch, ...options.sampleShape]
  const size = dims.reduce((a, b) => a * b)
  const images = (data) => ({ dtype: 'float32', dims, data })
  const loss = { loss: 'ce', norm: 'linf', targeted: false, bounds: [0, 1] }
  const forward = await Session.open(encodeModel(model.forward))
  const bytes = encodeModel(compileStep(model, loss).graph)
  const step = await Session.open(bytes)
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
  const [a, b, ratio] = [0, 1, 2].map((column) => median(rows.map((row) => row[column])))
  return [a, b, ratio, ratio * (await shareOfProducts(bytes, feeds))]
}

const lines = [
  '| Network | Batch | Forward ms | Step ms | Step ÷ forward | Target | Its products ÷ forward |',
  '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
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
  const [forward, step, ratio, alone] = await measure(network)
  const cells = [forward.toFixed(2), step.toFixed(2), ratio.toFixed(2)]
  const target = `≤ ${targets[name] ?? 2.3}`
  say(`| ${title} | ${network.batch} | ${cells.join(' | ')} | ${target} | ${alone.toFixed(2)} |`)
}

if (flags.write)
  await writePage(join(import.meta.dirname, 'STEP-COST.md'), {
    title: 'Cost of an attack step',
    about: `One fused PGD step (L∞, cross-entropy: forward, loss, backward, update, projection) over one forward pass of
the model's own file, both in ONNX Runtime on one thread; medians of ${flags.pairs} pairs that take turns. Written by
\`node test/bench/step-cost.mjs --write\`, once for each kind of processor.`,
    section: lines.join('\n'),
    remarks: `The last column is what the step would take if everything but its convolutions and matrix products were free: the
share of these kernels in ONNX Runtime's profile of the step, times the ratio. It is above 2 where the gradient of a
convolution has more arithmetic than the convolution (a stride: all phases have the size of the largest; an input of
three channels: kernels compute a whole block of 8 or 16), or kernels find less in the cache. The rest is passes over
the activations that ONNX Runtime's kernels for inference fuse in the forward pass and have no fused form for in a
backward pass: the mask of each activation and its product, HardSwish's and GELU's derivatives, leaving and entering the
blocked layout, the update.`,
  })
