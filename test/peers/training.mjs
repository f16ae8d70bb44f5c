/**
 * Speed of a training step against PyTorch: same network, weights, batch, optimizer and number of threads, PyTorch in its
 * fastest memory format. The two take turns, and the ratio is the median over pairs, because machines are shared.
 *
 *   npm run build && GAUNTLET_PEERS_PYTHON=python3 node test/peers/training.mjs
 *     [--pairs N] [--threads 1,2] [--curves] [--write] [network …]
 *
 * `--curves` also follows the loss over 50 steps on both sides; `--write` does so too, and writes TRAINING.md.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writePage } from '../bench/page.mjs'
import { Worker } from './speed/worker.mjs'
import { takeTurns, timeCalls } from './turns.mjs'
import {
  compareCurves,
  networks as curveNetworks,
  optimizers as curveOptimizers,
} from './training/curves.mjs'

const root = join(import.meta.dirname, '../..')
const { loadModel } = await import(join(root, 'dist/src/onnx/load.js'))
const { Trainer } = await import(join(root, 'dist/src/poison/trainer.js'))
const { ModelHandle } = await import(join(root, 'dist/src/model/handle.js'))
const { prepareModel } = await import(join(root, 'dist/src/model/prepare.js'))

const { values: flags, positionals } = parseArgs({
  options: {
    pairs: { type: 'string', default: '21' },
    threads: { type: 'string', default: '1,2' },
    curves: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
const python = process.env.GAUNTLET_PEERS_PYTHON
/** Turns end when this is used up, but not before there are five pairs. */
const longestMs = 10_000
const turnMs = 60

/** By network: batches, and what the step's speed is to be over PyTorch's. */
const networks = { plain: [64, 128], lenet: [64, 128], resnet: [64, 128], mlp: [64] }
const optimizers = {
  sgd: [
    { kind: 'sgd', momentum: 0.9, weightDecay: 5e-4 },
    { lr: 0.01, momentum: 0.9, weight_decay: 5e-4 },
  ],
  adam: [{ kind: 'adam' }, { lr: 0.001 }],
}

async function measure(worker, { graph, shape, folder }, { batch, threads, optimizer }) {
  const size = batch * shape.reduce((a, b) => a * b)
  const x = Float32Array.from({ length: size }, (_, k) => ((k * 7919) % 1000) / 1000)
  const labels = Int32Array.from({ length: batch }, (_, k) => (k * 7) % 10)
  const save = (name, data) => {
    const path = join(folder, name)
    writeFileSync(path, data)
    return path
  }
  const [own, theirs] = optimizers[optimizer]
  const { form } = await worker.ask({
    do: 'load',
    x: save('x.raw', x),
    labels: save('labels.raw', labels),
    batch,
    shape,
    threads,
    optimizer,
    options: theirs,
    warmMs: turnMs,
  })
  const trainer = await Trainer.open(graph, { optimizer: own }, { threads })
  const step = () => trainer.train(x, labels, theirs.lr)
  try {
    const sides = {
      peer: async () => (await worker.ask({ do: 'time', leastMs: turnMs })).ms,
      own: () => timeCalls(step, turnMs),
    }
    for (let k = 0; k < 2; k++) for (const side of Object.values(sides)) await side()
    const timed = await takeTurns(sides, {
      pairs: Number(flags.pairs),
      leastPairs: 5,
      longestMs,
    })
    return { ...timed, form }
  } finally {
    await trainer.close()
  }
}

const scores = async (graph, x, count) => {
  const model = await ModelHandle.open(await prepareModel(graph))
  try {
    return await model.scores(x, count, count)
  } finally {
    await model.close()
  }
}

/** Rows of a table of loss curves. */
async function curves(worker, folder) {
  const lines = [
    '| Network | Optimizer | First loss | Last loss | Greatest difference | PyTorch, float32 to float64 | Logits |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: |',
  ]
  for (const network of curveNetworks)
    for (const optimizer of Object.keys(curveOptimizers)) {
      if (positionals.length > 0 && !positionals.includes(network)) continue
      const ask = (request) => worker.ask(request)
      const own = { Trainer, loadModel, scores }
      const found = await compareCurves(ask, own, folder, network, optimizer)
      const small = [found.worst, found.peer, found.scores].map((value) => value.toExponential(1))
      const cells = [network, optimizer, found.first.toFixed(3), found.last.toFixed(3), ...small]
      lines.push(`| ${cells.join(' | ')} |`)
      console.log(lines.at(-1))
    }
  return lines
}

const page = (torch, lines, followed) => ({
  title: 'Speed of a training step against PyTorch',
  about: `One training step in Gauntlet (forward, cross-entropy, backward, update of the weights and of the running
statistics, weights in and out) and the same step in PyTorch: \`zero_grad\`, forward, \`backward\`, \`step\`. Same network,
weights, batch, optimizer and threads; PyTorch in the memory format that is fastest for it. Both processes live through
the run and take turns; the ratio (PyTorch ÷ Gauntlet, more is better) is the median over up to ${flags.pairs} pairs.

The second table follows the loss over 50 steps of 32 samples from equal weights, one thread: the greatest difference of a
step's loss between the two, the same between PyTorch's float32 and its own float64, and the greatest difference of the
logits of the trained networks as they are run (running statistics included), over the greatest logit.
\`training.test.ts\` holds the differences of losses below 1e-3. Written by \`node test/peers/training.mjs --write\`, once
for each kind of processor.`,
  section: `PyTorch ${torch}.\n\n${lines.join('\n')}\n\n${followed.join('\n')}`,
})

async function main() {
  if (!python) {
    console.log('skipped: GAUNTLET_PEERS_PYTHON does not name a Python that has PyTorch')
    return
  }
  const lines = [
    '| Network | Batch | Optimizer | Threads | PyTorch form | PyTorch ms | Gauntlet ms | Ratio |',
    '| --- | ---: | --- | ---: | --- | ---: | ---: | ---: |',
  ]
  lines.forEach((line) => console.log(line))
  const folder = mkdtempSync(join(tmpdir(), 'gauntlet-training-'))
  const worker = new Worker(python, join(import.meta.dirname, 'training/worker.py'))
  let torch = ''
  let followed = []
  try {
    for (const [network, batches] of Object.entries(networks)) {
      if (positionals.length > 0 && !positionals.includes(network)) continue
      const path = join(folder, `${network}.onnx`)
      const about = await worker.ask({ do: 'export', network, path })
      torch = about.torch
      const { graph } = await loadModel(path)
      for (const batch of batches)
        for (const optimizer of batch === batches[0] ? ['sgd', 'adam'] : ['sgd'])
          for (const threads of flags.threads.split(',').map(Number)) {
            const of = { graph, shape: about.shape, folder }
            const found = await measure(worker, of, { batch, threads, optimizer })
            const numbers = [found.peer.toFixed(2), found.own.toFixed(2), found.ratio.toFixed(2)]
            const cells = [about.title, batch, optimizer, threads, found.form, ...numbers]
            lines.push(`| ${cells.join(' | ')} |`)
            console.log(lines.at(-1))
          }
    }
    if (flags.curves || flags.write) followed = await curves(worker, folder)
  } finally {
    await worker.close()
    rmSync(folder, { recursive: true, force: true })
  }
  if (flags.write)
    await writePage(join(import.meta.dirname, 'TRAINING.md'), page(torch, lines, followed))
}

await main()
