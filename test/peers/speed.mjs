/**
 * Speed of one PGD step (L∞, cross-entropy) against the same step in PyTorch: same network, batch and number of threads,
 * PyTorch in its fastest form. The two take turns, and the ratio is the median over pairs, because machines are shared.
 *
 *   npm run build && GAUNTLET_PEERS_PYTHON=python3 node test/peers/speed.mjs
 *     [--pairs N] [--threads 1,2] [--compile] [--write] [network …]
 *
 * `--compile` tries torch.compile too (minutes for a large network); `--write` puts the table into SPEED.md.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writePage } from '../bench/page.mjs'
import { loadNetwork, networks } from './speed/networks.mjs'
import { Worker } from './speed/worker.mjs'
import { takeTurns, timeCalls } from './turns.mjs'

const root = join(import.meta.dirname, '../..')
const { encodeModel } = await import(join(root, 'dist/src/onnx/encode.js'))
const { prepareModel } = await import(join(root, 'dist/src/model/prepare.js'))
const { openGraph } = await import(join(root, 'dist/src/model/open.js'))
const { compileStep } = await import(join(root, 'dist/src/step/compile.js'))

const { values: flags, positionals } = parseArgs({
  options: {
    pairs: { type: 'string', default: '15' },
    threads: { type: 'string', default: '1,2' },
    compile: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
const python = process.env.GAUNTLET_PEERS_PYTHON
/** Turns end when this is used up, but not before there are three pairs. */
const longestMs = 6000
const turnMs = 40
const stepSize = 0.01
/** Share of the elements of a step whose direction may differ: where a ReLU's input is nearly 0. */
const mostDiffering = 2e-3

/** Both steps on the same numbers. @returns medians of milliseconds, their ratio, and PyTorch's form */
async function measure(worker, folder, { graph, options, classes, batch }, threads) {
  const model = await prepareModel(graph, options)
  const dims = [batch, ...options.sampleShape]
  const size = dims.reduce((a, b) => a * b)
  const x = Float32Array.from({ length: size }, (_, k) => ((k * 7919) % 1000) / 1000)
  const lower = x.map((value) => Math.max(0, value - 0.03))
  const upper = x.map((value) => Math.min(1, value + 0.03))
  const save = (name, data) => {
    const path = join(folder, name)
    writeFileSync(path, data)
    return path
  }
  const loaded = await worker.ask({
    do: 'load',
    model: save('model.onnx', encodeModel(model.forward)),
    x: save('x.raw', x),
    lower: save('lower.raw', lower),
    upper: save('upper.raw', upper),
    dims,
    classes,
    stepSize,
    threads,
    compile: flags.compile,
    warmMs: turnMs,
  })

  const images = (data) => ({ dtype: 'float32', dims, data })
  const labels = BigInt64Array.from({ length: batch }, (_, k) => BigInt(k % classes))
  const feeds = {
    [model.input]: images(x),
    lower: images(lower),
    upper: images(upper),
    labels: { dtype: 'int64', dims: [batch], data: labels },
    step_size: { dtype: 'float32', dims: [], data: Float32Array.of(stepSize) },
  }
  const loss = { loss: 'ce', norm: 'linf', targeted: false, bounds: [0, 1] }
  const session = await openGraph(compileStep(model, loss).graph, model.weights, { threads })
  // An attack writes every step into an array it owns.
  const next = images(new Float32Array(size))
  const step = () => session.run(feeds, { x_next: next })
  try {
    await step()
    const { differing } = await worker.ask({ do: 'check', path: save('next.raw', next.data) })
    if (!(differing <= mostDiffering))
      throw new Error(`the steps are not the same: ${(100 * differing).toFixed(2)} % differ`)
    const sides = {
      peer: async () => (await worker.ask({ do: 'time', leastMs: turnMs })).ms,
      own: () => timeCalls(step, turnMs),
    }
    await sides.own()
    const timed = await takeTurns(sides, {
      pairs: Number(flags.pairs),
      leastPairs: 3,
      longestMs,
    })
    return { ...timed, form: loaded.form, differing }
  } finally {
    await session.close()
  }
}

const page = (torch, lines) => ({
  title: 'Speed of an attack step against PyTorch',
  about: `One fused PGD step (L∞, cross-entropy: forward, loss, backward, sign, projection) in Gauntlet, and the same
step in PyTorch: forward, \`autograd.grad\`, sign, clamp. Same network, numbers, batch and threads. PyTorch runs without
gradients of the weights, BatchNorm folded, ReLU in place, GELU and attention as one call each, in the memory format that
is fastest for it. Both processes live through the run and take turns; the ratio (PyTorch ÷ Gauntlet, more is better) is
the median over up to ${flags.pairs} pairs. Both steps give the same pictures, but for at most ${100 * mostDiffering} % of
the elements. Written by \`node test/peers/speed.mjs --write\`, once for each kind of processor: PyTorch's own kernels
differ between them more than ours.`,
  section: `PyTorch ${torch}${flags.compile ? ', compiled by torch.compile where that is faster' : ''}.\n\n${lines.join('\n')}`,
})

async function main() {
  if (!python) {
    console.log('skipped: GAUNTLET_PEERS_PYTHON does not name a Python that has PyTorch')
    return
  }
  const torch = execFileSync(python, ['-c', 'import torch, onnx; print(torch.__version__)'])
  const lines = [
    '| Network | Batch | Threads | PyTorch form | PyTorch ms | Gauntlet ms | Ratio | Target | Differing |',
    '| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |',
  ]
  lines.forEach((line) => console.log(line))
  const folder = mkdtempSync(join(tmpdir(), 'gauntlet-speed-'))
  const worker = new Worker(python)
  try {
    for (const [name, [title, target]] of Object.entries(networks)) {
      if (positionals.length > 0 && !positionals.includes(name)) continue
      const network = await loadNetwork(name)
      if (!network) {
        console.log(`skipped: ${name}.onnx is not in ../shared/data/vnncomp/onnx`)
        continue
      }
      for (const threads of flags.threads.split(',').map(Number)) {
        const found = await measure(worker, folder, network, threads)
        const numbers = [found.peer.toFixed(2), found.own.toFixed(2), found.ratio.toFixed(2)]
        const differing = `${(100 * found.differing).toFixed(3)} %`
        const run = [title, network.batch, threads, found.form]
        const cells = [...run, ...numbers, `≥ ${target}`, differing]
        lines.push(`| ${cells.join(' | ')} |`)
        console.log(lines.at(-1))
      }
    }
  } finally {
    await worker.close()
    rmSync(folder, { recursive: true, force: true })
  }
  if (flags.write)
    await writePage(join(import.meta.dirname, 'SPEED.md'), page(String(torch).trim(), lines))
}

await main()
