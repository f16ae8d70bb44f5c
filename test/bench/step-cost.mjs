/**
 * Cost of one fused PGD step (L∞, cross-entropy) over the model's own forward pass: one thread, batch 64.
 * The two take turns, and the ratio is the median over pairs, because machines are shared.
 *
 *   npm run build && node test/bench/step-cost.mjs [pairs] [network …]
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const folder = join(root, '../shared/data/vnncomp/onnx')
if (!existsSync(folder)) {
  console.log('skipped: no networks in ../shared/data/vnncomp/onnx')
  process.exit(0)
}
const { encodeModel } = await import(join(root, 'dist/src/onnx/encode.js'))
const { loadModel } = await import(join(root, 'dist/src/onnx/load.js'))
const { prepareModel } = await import(join(root, 'dist/src/model/prepare.js'))
const { Session } = await import(join(root, 'dist/src/runtime/session.js'))
const { compileStep } = await import(join(root, 'dist/src/step/compile.js'))

const [pairs = '31', ...named] = process.argv.slice(2)
const networks =
  named.length > 0
    ? named
    : [
        'resnet_3b2_bn_mixup_adv_4.0_bs128_lr-1',
        'resnet_2b',
        'resnet_4b',
        'cifar_base_kw',
        'cifar_deep_kw',
        'cifar_wide_kw',
        'cifar10_small',
        'cifar10_medium',
        'cifar10_large',
      ]
const batch = 64
const sampleShape = [3, 32, 32]
const mean = [0.4914, 0.4822, 0.4465]
const std = [0.2023, 0.1994, 0.201]

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
const images = (data) => ({ dtype: 'float32', dims: [batch, ...sampleShape], data })

/** Milliseconds per call. */
const time = async (call) => {
  const repetitions = 5
  const start = performance.now()
  for (let k = 0; k < repetitions; k++) await call()
  return (performance.now() - start) / repetitions
}

/** @returns milliseconds per call of the forward pass and of the step, and their ratio, per pair */
async function measure(name) {
  const { graph } = await loadModel(join(folder, `${name}.onnx`))
  const model = await prepareModel(graph, { sampleShape, mean, std })
  const options = { loss: 'ce', norm: 'linf', targeted: false, bounds: [0, 1] }
  const forward = await Session.open(model.forward)
  const step = await Session.open(encodeModel(compileStep(model, options).graph))
  const x = Float32Array.from({ length: batch * 3072 }, (_, k) => ((k * 7919) % 1000) / 1000)
  const feeds = {
    gauntlet_x: images(x),
    lower: images(x.map((value) => Math.max(0, value - 0.03))),
    upper: images(x.map((value) => Math.min(1, value + 0.03))),
    labels: {
      dtype: 'int64',
      dims: [batch],
      data: BigInt64Array.from({ length: batch }, (_, k) => BigInt(k % 10)),
    },
    step_size: { dtype: 'float32', dims: [], data: Float32Array.of(0.01) },
  }
  // An attack writes every step into an array it owns; its forward passes make their (small) output.
  const into = { x_next: images(new Float32Array(x.length)) }
  const once = {
    forward: () => forward.run({ gauntlet_x: feeds.gauntlet_x }),
    step: () => step.run(feeds, into),
  }
  const rows = []
  for (let pair = -2; pair < Number(pairs); pair++) {
    const [a, b] = [await time(once.forward), await time(once.step)]
    if (pair >= 0) rows.push({ forward: a, step: b, ratio: b / a })
  }
  await forward.close()
  await step.close()
  return rows
}

console.log(
  `fused PGD step, batch ${batch}, one thread, medians of ${pairs} pairs (target: ratio ≤ 2.7 on resnet_3b2)\n`,
)
console.log('network                                  forward ms   step ms   ratio')
for (const name of networks) {
  const rows = await measure(name)
  const column = (key, width) =>
    median(rows.map((row) => row[key]))
      .toFixed(2)
      .padStart(width)
  console.log(
    `${name.padEnd(40)} ${column('forward', 10)} ${column('step', 9)} ${column('ratio', 7)}`,
  )
}
