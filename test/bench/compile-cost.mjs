/**
 * What it takes from a model file to the first step of an attack, in time and in memory, for networks of well-known
 * shapes with random weights: decode, prepare, differentiate, sessions ready. Run `npm run build` first.
 *
 *   node test/bench/compile-cost.mjs [network ...] [--batch 8] [--write]
 *
 * Every network is compiled in a process of its own, cold: the code is not compiled yet, nothing is cached but the
 * file. Beside the wall time stands the CPU time, which says what it would take on a machine with nothing else to do.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { writePage } from './page.mjs'

const root = join(import.meta.dirname, '../..')
const load = (path) => import(join(root, 'dist/src', path))

const { values: flags, positionals } = parseArgs({
  options: {
    batch: { type: 'string', default: '8' },
    write: { type: 'boolean' },
    build: { type: 'string' },
    child: { type: 'string' },
    plain: { type: 'string' },
    packing: { type: 'string' },
  },
  allowPositionals: true,
})
const batch = Number(flags.batch)

const networks = {
  'MLP 784-4×1024-10': 'mlp',
  'MobileNet-V3': 'mobilenetv3',
  'ViT-S/16': 'vits',
  'ResNet-50': 'resnet50',
  'ViT, 238 M weights': 'vitwide',
}
const targets = { resnet50: 1, vitwide: 5 }

/** Rows of a sample times batches, from few to many. */
const packings = { mlp: [8, 64], vits: [1, 8], vitwide: [1, 4] }

const stepOptions = { loss: 'ce', norm: 'linf', targeted: false, bounds: [0, 1] }

function feedsOf(dims) {
  const images = (value) => {
    const data = new Float32Array(dims.reduce((a, b) => a * b)).fill(value)
    return { dtype: 'float32', dims, data }
  }
  return {
    gauntlet_x: images(0.5),
    lower: images(0.4),
    upper: images(0.6),
    labels: { dtype: 'int64', dims: [dims[0]], data: new BigInt64Array(dims[0]) },
    step_size: { dtype: 'float32', dims: [], data: Float32Array.of(0.01) },
  }
}

const megabytes = (bytes) => bytes / 1e6

/** A line of /proc/self/smaps_rollup or status, in bytes. Linux only. */
const memory = (file, name) =>
  1024 *
  Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/self/${file}`, 'utf8'))[1])

async function settled() {
  globalThis.gc()
  await sleep(50)
  globalThis.gc()
}

/** Writes a network as a model file. */
async function build(name, path) {
  const { buildNetwork } = await import('./networks.mjs')
  const { encodeModel } = await load('onnx/encode.js')
  writeFileSync(path, encodeModel(buildNetwork(name).graph))
}

/** Compiles the model at `path`, runs one step, and prints what it took as JSON. */
async function child(path) {
  const { loadModel } = await load('onnx/load.js')
  const { prepareModel } = await load('model/prepare.js')
  const { openForward, openStep } = await load('model/sessions.js')
  const { compileStep } = await load('step/compile.js')
  await settled()
  const before = memory('smaps_rollup', 'Anonymous')
  const stages = {}
  const start = process.cpuUsage()
  const timed = async (name, work) => {
    const from = performance.now()
    const result = await work()
    stages[name] = (performance.now() - from) / 1000
    return result
  }
  let graph = await timed('decode', async () => (await loadModel(path)).graph)
  const weights = Object.values(graph.initializers).reduce((sum, { data }) => sum + data.length, 0)
  const { dims } = graph.inputs[0]
  const model = await timed('prepare', () => prepareModel(graph))
  graph = null
  let step = await timed('differentiate', () => compileStep(model, stepOptions).graph)
  const [forward, session] = await timed('sessions', async () => [
    await openForward(model),
    await openStep(model, step),
  ])
  step = null
  const { user, system } = process.cpuUsage(start)
  const peakCompile = memory('status', 'VmHWM')
  await settled()
  const resident = memory('smaps_rollup', 'Anonymous') - before

  const feeds = feedsOf([batch, ...dims.slice(1)])
  await forward.run({ gauntlet_x: feeds.gauntlet_x })
  await session.run(feeds)
  const activations = [...model.infos.values()].reduce((sum, info) => {
    const sizes = info.shape.map((size) =>
      typeof size === 'number' ? size : size.perBatch * batch,
    )
    return sum + 4 * sizes.reduce((a, b) => a * b, 1)
  }, 0)
  const ran = memory('smaps_rollup', 'Anonymous') - before
  const cpu = (user + system) / 1e6
  console.log(
    JSON.stringify({ weights, stages, cpu, before, peakCompile, resident, ran, activations }),
  )
}

/** What ONNX Runtime alone takes to open the file, with the same settings: the least that any tool on it can reach. */
async function plain(path) {
  const { Session } = await load('runtime/session.js')
  const before = memory('smaps_rollup', 'Anonymous')
  const from = performance.now()
  const session = await Session.open(path)
  const seconds = (performance.now() - from) / 1000
  const held = memory('smaps_rollup', 'Anonymous') - before
  console.log(JSON.stringify({ seconds, held, inputs: session.inputs }))
}

/** Steps with and without the copies of weights that kernels read faster: one line per batch. */
async function packingOf(name, batches) {
  const { buildNetwork } = await import('./networks.mjs')
  const { prepareModel } = await load('model/prepare.js')
  const { openGraph } = await load('model/open.js')
  const { compileStep } = await load('step/compile.js')
  const { graph, sampleShape } = buildNetwork(name)
  const model = await prepareModel(graph, { sampleShape })
  const step = compileStep(model, stepOptions).graph
  const open = (packs) => openGraph(step, model.weights, { packs })
  const [packed, asTheyLie] = [await open(true), await open(false)]
  for (const one of batches) {
    const feeds = feedsOf([one, ...sampleShape])
    const ratios = []
    for (let pair = -1; pair < 7; pair++) {
      const from = performance.now()
      await packed.run(feeds)
      const middle = performance.now()
      await asTheyLie.run(feeds)
      if (pair >= 0) ratios.push((performance.now() - middle) / (middle - from))
    }
    console.log(JSON.stringify({ batch: one, ratio: ratios.sort((a, b) => a - b)[3] }))
  }
}

const seconds = ({ stages }) => Object.values(stages).reduce((a, b) => a + b)

async function measure(name) {
  const folder = mkdtempSync(join(tmpdir(), 'gauntlet-bench-'))
  try {
    const path = join(folder, `${name}.onnx`)
    const run = (...given) => {
      const args = ['--expose-gc', import.meta.filename, ...given, '--batch', `${batch}`]
      const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
      if (status !== 0) throw new Error(stderr)
      return JSON.parse(stdout || 'null')
    }
    // Where another process built the network, its memory is free again; the first run pays for memory that a virtual
    // machine has to be given first, and is not counted.
    run('--build', path, name)
    const runs = [0, 1, 2, 3].map(() => run('--child', path)).slice(1)
    const [, middle] = runs.toSorted((a, b) => seconds(a) - seconds(b))
    return { ...middle, plain: run('--plain', path) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function main() {
  const lines = [
    '| Network | Weights MB | Decode s | Prepare s | Differentiate s | Sessions s | Total s | CPU s | ONNX Runtime alone s | Target s | Peak while compiling MB | Held, ready MB | Copies of the weights | Held after a step MB | Model + 2 × activations MB |',
    `| --- |${' ---: |'.repeat(14)}`,
  ]
  const say = (line) => {
    lines.push(line)
    console.log(line)
  }
  for (const line of lines) console.log(line)
  for (const [title, name] of Object.entries(networks)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    const { weights, stages, cpu, before, peakCompile, resident, ran, activations, plain } =
      await measure(name)
    const each = Object.values(stages)
    const total = seconds({ stages })
    const cells = [
      megabytes(weights).toFixed(0),
      ...[...each, total, cpu, plain.seconds].map((one) => one.toFixed(2)),
      targets[name] ? `≤ ${targets[name]}` : '',
      megabytes(peakCompile - before).toFixed(0),
      megabytes(resident).toFixed(0),
      (resident / weights).toFixed(1),
      megabytes(ran).toFixed(0),
      megabytes(weights + 2 * activations).toFixed(0),
    ]
    say(`| ${title} | ${cells.join(' | ')} |`)
  }
  if (flags.write)
    await writePage(join(import.meta.dirname, 'COMPILE-COST.md'), page(lines, packingTable()))
}

function packingTable() {
  const lines = ['| Network | Batch | Step without copies ÷ with |', '| --- | ---: | ---: |']
  for (const [title, name] of Object.entries(networks)) {
    if (!packings[name]) continue
    const args = [import.meta.filename, '--packing', name]
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    for (const line of stdout.trim().split('\n')) {
      const { batch: one, ratio } = JSON.parse(line)
      lines.push(`| ${title} | ${one} | ${ratio.toFixed(2)} |`)
    }
  }
  for (const line of lines) console.log(line)
  return lines
}

const page = (lines, packing) => ({
  title: 'Cost of compiling',
  about: `From a model file to a step that is ready to run, cold, in a process of its own: the file is decoded, prepared and
differentiated, and the sessions of the forward pass and of the step are opened. The middle of three runs after one that
is not counted; the machine has other work as well, and CPU seconds say what it would take alone. The last two columns
are at a batch of ${batch}. Written by \`node test/bench/compile-cost.mjs --write\`, once for each kind of processor.`,
  section: `${lines.join('\n')}\n\nOne step without copies of the weights (see below) over one with them:\n\n${packing.join('\n')}`,
  remarks: `Memory is what the process holds of its own, beyond Node and the runtime. The weights themselves are none of it: they
lie in one file, in memory where there is plenty of room, which ONNX Runtime maps into all sessions. What is held are the
forms that its kernels read faster (blocked convolutions, packed products): one for the session of the forward pass, one
for the forward part of the step, one for its backward part. They cannot be shared between sessions from Node. Without
them products take longer, the more so the fewer rows a call has, so they are kept; but not for more than 256 MB of
weights whose products have 128 rows or more for each sample. There ONNX Runtime reads the weights where they are mapped,
once for all sessions of the machine. The second table says what it costs: median of pairs that take turns.`,
})

if (flags.build) await build(positionals[0], flags.build)
else if (flags.child) await child(flags.child)
else if (flags.plain) await plain(flags.plain)
else if (flags.packing) await packingOf(flags.packing, packings[flags.packing])
else await main()
