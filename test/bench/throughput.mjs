/**
 * Throughput of `gauntlet attack` with one and with two workers, and the share of wall time outside ONNX Runtime.
 * Beside it the limit of the machine: how much more two processes do than one that run nothing but ONNX Runtime. Medians
 * over alternating repetitions, because machines are shared.
 *
 *   npm run build && node test/bench/throughput.mjs [repetitions]
 */
import { execFileSync, fork } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import * as ort from 'onnxruntime-node'
import { takeSamples } from '../../dist/src/data/dataset.js'
import { loadDataset } from '../../dist/src/data/load.js'
import { writeNpz } from '../../dist/src/data/npz-write.js'

const root = join(import.meta.dirname, '../..')
const gauntlet = join(root, 'dist/src/cli/main.js')
const data = join(root, '../shared/data')
const model = join(data, 'vnncomp/onnx/resnet_3b2_bn_mixup_adv_4.0_bs128_lr-1.onnx')
const gradientFile = join(tmpdir(), `gauntlet-bench-${process.pid}.onnx`)
const imagesFile = join(tmpdir(), `gauntlet-bench-${process.pid}.npz`)
const batch = 64
const limitMs = 2000

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

/** The 212 images, repeated to fourteen full batches: enough tasks for two workers to end together. */
async function writeImages() {
  const images = await loadDataset({ path: join(data, 'cifar10-robust/images.npz') })
  const samples = Array.from({ length: 14 * batch }, (_, i) => i % images.count)
  const x = takeSamples(images, samples)
  const y = Int32Array.from(samples, (sample) => images.labels[sample])
  const entries = {
    x: { shape: [samples.length, ...images.shape], data: x },
    y: { shape: [samples.length], data: y },
  }
  writeFileSync(imagesFile, writeNpz(entries))
}

/** One attack. Few samples fall at this radius, so batches stay full. */
function attack(workers) {
  const options = `--mean .4914,.4822,.4465 --std .2023,.1994,.2010 --eps 1/255 --steps 100 \
    --batch ${batch} --workers ${workers} --json`
  const args = ['attack', model, '--data', imagesFile, ...options.split(/\s+/)]
  return JSON.parse(execFileSync(process.execPath, [gauntlet, ...args], { encoding: 'utf8' }))
}

/** A child that runs the compiled gradient for a while when told to, and says how often it did. */
async function runOnnxRuntimeAlone() {
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1 }
  const session = await ort.InferenceSession.create(process.argv[3], options)
  const x = Float32Array.from({ length: batch * 3072 }, (_, i) => (i % 255) / 255)
  const feeds = {
    [session.inputNames[0]]: new ort.Tensor('float32', x, [batch, 3, 32, 32]),
    labels: new ort.Tensor('int64', new BigInt64Array(batch), [batch]),
  }
  for (let i = 0; i < 10; i++) await session.run(feeds)
  process.on('message', async () => {
    let count = 0
    for (const end = performance.now() + limitMs; performance.now() < end; count++)
      await session.run(feeds)
    process.send(count)
  })
  process.send('ready')
}

const rate = (result) => result.gradients / result.seconds
const answer = (child) => new Promise((resolve) => child.once('message', resolve))

async function main(repetitions) {
  if (!existsSync(model)) {
    console.log('skipped: ../shared/data is not here')
    return
  }
  await writeImages()
  execFileSync(process.execPath, [gauntlet, 'export', 'gradient', model, '-o', gradientFile])
  const children = [1, 2].map(() => fork(import.meta.filename, ['alone', gradientFile]))
  await Promise.all(children.map(answer))
  const count = (some) => Promise.all(some.map((child) => (child.send('go'), answer(child))))
  const rows = []
  for (let i = 0; i < repetitions; i++) {
    const [alone] = await count(children.slice(0, 1))
    const [first, second] = await count(children)
    const [one, two] = [attack(1), attack(2)]
    rows.push({
      one: rate(one),
      two: rate(two),
      speedup: rate(two) / rate(one),
      limit: (first + second) / alone,
      outside: 1 - one.secondsInRuntime / one.seconds,
    })
  }
  for (const child of children) child.kill()
  for (const file of [gradientFile, imagesFile]) rmSync(file)
  const of = (key, digits) => median(rows.map((row) => row[key])).toFixed(digits)
  console.log(
    `resnet_3b2, PGD-100, L∞ 1/255, 896 samples, batch ${batch}; medians of ${repetitions}; ${availableParallelism()} cores`,
  )
  console.log(`1 worker          ${of('one', 0)} gradients/s`)
  console.log(`2 workers         ${of('two', 0)} gradients/s`)
  console.log(`2 workers over 1  ${of('speedup', 2)} ×   (target ≥ 1.8)`)
  console.log(
    `limit here        ${of('limit', 2)} ×   (two processes with ONNX Runtime alone, over one)`,
  )
  const outside = median(rows.map((row) => 100 * row.outside)).toFixed(1)
  console.log(
    `outside           ${outside} %    (wall time outside ONNX Runtime, 1 worker; target ≤ 5 %)`,
  )
}

if (process.argv[2] === 'alone') await runOnnxRuntimeAlone()
else await main(Number(process.argv[2] ?? 5))
