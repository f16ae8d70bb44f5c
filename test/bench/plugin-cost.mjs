/**
 * Cost of a step of an attack of one's own over a step of the built-in PGD, through the host that runs them all: the same
 * samples, the same batches, on one thread. One example has its update written with the step builder, the other works on
 * plain arrays; both do the same. Attacks take turns, and the best of all rounds counts, because machines are shared. Start and
 * end of an attack are in the time of all three.
 *
 *   npm run build && node test/bench/plugin-cost.mjs [--rounds N] [--write] [network …]
 *
 * `--write` puts the table into PLUGIN-COST.md beside this file.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildNetwork } from './networks.mjs'
import { writePage } from './page.mjs'

const root = join(import.meta.dirname, '../..')
const from = (path) => import(join(root, 'dist', path))
const { pgd } = await from('attacks/evasion/pgd.js')
const { runAttack } = await from('src/attack/host.js')
const { AttackRegistry } = await from('src/attack/registry.js')
const { loadPlugins } = await from('src/config/load-plugins.js')
const { loadModel } = await from('src/onnx/load.js')
const { ModelHandle } = await from('src/model/handle.js')
const { prepareModel } = await from('src/model/prepare.js')
const { createRng } = await from('src/util/rng.js')

const { values: flags, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, write: { type: 'boolean' } },
  allowPositionals: true,
})

const [fused, arrays] = await loadPlugins(
  ['heavy-ball', 'heavy-ball-arrays'].map((name) => join(root, `test/examples/${name}.ts`)),
  root,
)

const networks = {
  'CNN of the demo, 28 × 28': { path: 'suites/demo/glyphs-v1.onnx', batch: 64, steps: 20 },
  'MLP 784-4×1024-10': { built: 'mlp', batch: 64, steps: 20 },
  'ResNet-50, 224 × 224': { built: 'resnet50', batch: 4, steps: 3 },
}

async function open({ path, built }) {
  const { graph, ...options } = built
    ? buildNetwork(built)
    : { ...(await loadModel(join(root, path))), sampleShape: [1, 28, 28] }
  return ModelHandle.open(await prepareModel(graph, { sampleShape: options.sampleShape }))
}

/** Milliseconds of an attack that nobody falls to, so that all steps are taken by all samples. */
async function timeOf(plugin, { model, x, labels, batch, steps }) {
  const start = performance.now()
  const { outcomes } = await runAttack({
    model,
    plugin,
    spec: new AttackRegistry([plugin]).specify(plugin.id, { steps }, 1),
    threat: { norm: 'linf', epsilon: 1e-6, bounds: [0, 1], goal: { kind: 'untargeted' } },
    x,
    labels,
    samples: Array.from(labels, (_, i) => i),
    seed: 1,
    batch,
    isCancelled: () => false,
  })
  const time = performance.now() - start
  const standing = outcomes.filter(({ success }) => !success)
  if (standing.some(({ gradients }) => gradients !== steps))
    throw new Error('the attacks do not take as many steps')
  return time
}

const rows = []
for (const [name, settings] of Object.entries(networks)) {
  if (positionals.length > 0 && !positionals.some((part) => name.includes(part))) continue
  const model = await open(settings)
  const size = model.prepared.sampleShape.reduce((a, b) => a * b, 1)
  const rng = createRng('plugin-cost')
  const x = Float32Array.from({ length: settings.batch * size }, () => rng.uniform())
  const scores = await model.scores(x, settings.batch, settings.batch)
  const labels = Int32Array.from({ length: settings.batch }, (_, i) => {
    const row = scores.subarray(i * model.classes, (i + 1) * model.classes)
    return row.indexOf(Math.max(...row))
  })
  const ground = { model, x, labels, batch: settings.batch }
  const plugins = [pgd, fused, arrays]
  const times = plugins.map(() => [])
  for (let round = 0; round <= Number(flags.rounds); round++)
    for (const [k, plugin] of plugins.entries()) {
      const time = await timeOf(plugin, { ...ground, steps: settings.steps })
      // The first compiles.
      if (round > 0) times[k].push(time / settings.steps)
    }
  await model.close()
  const [ms, ...others] = times.map((own) => Math.min(...own))
  const ratio = (k) => (others[k] / ms).toFixed(2)
  const row = [name, settings.batch, ms.toFixed(1), ratio(0), ratio(1)]
  rows.push(row)
  console.log(
    `${name}: a step of PGD ${row[2]} ms for ${row[1]} samples; fused rule ÷ PGD ${row[3]}, plain arrays ÷ PGD ${row[4]}`,
  )
}

if (flags.write)
  await writePage(join(import.meta.dirname, 'PLUGIN-COST.md'), {
    title: "What a step of an attack of one's own costs",
    about: `Written by \`node test/bench/plugin-cost.mjs --write\`. Milliseconds are those of one step of the built-in PGD (L∞) for a
batch, on one thread, in the host; the other columns are ratios to it: \`test/examples/heavy-ball.ts\`, whose update is written with the
step builder, and \`test/examples/heavy-ball-arrays.ts\`, which does the same on plain arrays. The best of rounds in which they take turns.`,
    section: [
      '| network | batch | PGD, ms a step | fused rule ÷ PGD | plain arrays ÷ PGD |',
      '| --- | --- | --- | --- | --- |',
      ...rows.map((row) => `| ${row.join(' | ')} |`),
    ].join('\n'),
  })
