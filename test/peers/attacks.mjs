/**
 * Strength and speed of attacks against the same attacks in Foolbox, torchattacks, ART and AutoAttack: same networks,
 * pictures, epsilons and budgets, in one run; on one thread, and on all cores: ours with a worker thread for each, as the
 * pool has them, theirs with PyTorch's own threads.
 *
 *   npm run build && GAUNTLET_PEERS_PYTHON=python3 node test/peers/attacks.mjs
 *     [--images N] [--dear N] [--seeds N] [--threads 1,all] [--rows TEXT] [--norms linf,l2] [--write] [network …]
 *
 * `--images` for cheap rows and `--dear` for the others; `--seeds` of those that draw; `--rows` keeps those whose title
 * contains the text; `--write` puts the tables into ATTACKS.md, where those of other networks stay. Without names: two
 * networks in every row, and the others in those of AutoAttack. GAUNTLET_PEERS_AUTOATTACK names the folder that holds the
 * authors' package `autoattack`, which no registry has.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { partsOf, writePage } from '../bench/page.mjs'
import { checkSame, targets } from './attacks/compare.mjs'
import { loadNetwork, loadPictures, networks } from './attacks/networks.mjs'
import { greatestRate, multiplications } from './attacks/limits.mjs'
import { batch, Own } from './attacks/own.mjs'
import { rows } from './attacks/rows.mjs'
import { soonest } from './attacks/sooner.mjs'
import { headerOf, linesOf, missesOf } from './attacks/table.mjs'
import { Worker } from './speed/worker.mjs'

const root = join(import.meta.dirname, '../..')
const { encodeModel } = await import(join(root, 'dist/src/onnx/encode.js'))
const { ModelHandle } = await import(join(root, 'dist/src/model/handle.js'))
const { prepareModel } = await import(join(root, 'dist/src/model/prepare.js'))

const { values: flags, positionals } = parseArgs({
  options: {
    images: { type: 'string', default: '150' },
    dear: { type: 'string', default: '20' },
    seeds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '1,all' },
    rows: { type: 'string', default: '' },
    norms: { type: 'string', default: 'linf,l2,l1,l0' },
    write: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
const python = process.env.GAUNTLET_PEERS_PYTHON
const cores = availableParallelism()
const threads = [
  ...new Set(flags.threads.split(',').map((one) => (one === 'all' ? cores : Number(one)))),
]
const names = positionals.length > 0 ? positionals : Object.keys(networks)
/** Compared in every row; the others only in those for all networks. */
const whole = positionals.length > 0 ? positionals : names.slice(0, 2)

/** @returns lines of the network's section, printed as they come */
async function compare(name, { worker, folder, versions, rate }) {
  const compared = rows.filter((one) => isWanted(one, name))
  if (compared.length === 0) return []
  const network = await loadNetwork(name)
  const pictures = await loadPictures(name)
  if (!network || !pictures) {
    console.log(`skipped: ${name}.onnx or its pictures are not in ../shared/data`)
    return []
  }
  const { x, labels, dims } = pictures
  const save = (file, data) => {
    const path = join(folder, file)
    writeFileSync(path, data)
    return path
  }
  const { forward, right: rightHere, cost } = await judged(network, pictures)
  const { right } = await worker.ask({
    do: 'load',
    model: save('model.onnx', forward),
    x: save('x.raw', x),
    labels: [...labels],
    dims,
    threads,
  })
  const both = [...labels.keys()].filter((i) => right[i] && rightHere[i])
  const lines = []
  const print = (...more) => {
    lines.push(...more)
    for (const line of more) console.log(line)
  }
  print(`### ${networks[name].title}`, '', ...headerOf(threads))
  const owns = await Promise.all(
    threads.map((count) => Own.open(name, { pictures, threads: count })),
  )
  const misses = []
  const remarks = []
  try {
    for (const row of compared) {
      const { title, norm, closest = false } = row
      const epsilon = networks[name].epsilons[norm]
      const chosen = both.slice(0, Number(row.dear ? flags.dear : flags.images))
      const asked = { norm, epsilon, closest, rows: chosen, seed: 1, once: false }
      const seeds = Array.from({ length: row.draws ? Number(flags.seeds) - 1 : 0 }, (_, k) => 2 + k)
      const run = (own) => side(owns, { ...asked, own }, seeds)
      const own = await run(row.own)
      checkSame(own, title)
      const peers = []
      for (const [tool, attack, args] of row.peers(epsilon)) {
        if (!(tool in versions)) continue
        const asks = threads.map((count) => ({
          attack: (more) =>
            worker.ask({ do: 'attack', tool, name: attack, args, ...more, threads: count }),
        }))
        try {
          const peer = { tool, ...(await side(asks, asked, seeds)) }
          const [id, params, ...rest] = row.own
          peer.sooner =
            row.budget &&
            (await soonest(peer, params[row.budget], (amount) =>
              run([id, { ...params, [row.budget]: amount }, ...rest]),
            ))
          peers.push(peer)
        } catch (error) {
          console.log(`left out: ${tool}, ${attack}: ${error.message}`)
        }
      }
      const all = { ...row, epsilon, closest, threads, own, peers }
      print(...linesOf(all))
      const miss = missesOf(all)
      if (miss) misses.push(miss)
      if (row.id === 'rate') remarks.push(rateOf(own, { cost, rate }))
    }
  } finally {
    for (const one of owns) await one.close()
  }
  print(
    '',
    ...remarks,
    ...(misses.length > 0 ? ['Missed:', '', ...misses] : ['Nothing is missed.']),
  )
  return [...lines, '']
}

const isWanted = ({ title, norm, everywhere }, name) =>
  title.includes(flags.rows) &&
  flags.norms.split(',').includes(norm) &&
  (everywhere || whole.includes(name))

/** One side of a row: a run on each number of threads, and on the last of them one for each other seed. */
async function side(runners, asked, seeds) {
  const [runs, others] = [[], []]
  for (const runner of runners) runs.push(await runner.attack(asked))
  for (const seed of seeds) others.push(await runners.at(-1).attack({ ...asked, seed, once: true }))
  return { runs, others }
}

/** How near the calls of ONNX Runtime come to what the processor can do: a gradient multiplies twice what a pass does. */
function rateOf({ runs: [{ runtime, gradients }] }, { cost, rate }) {
  const own = (4 * cost * gradients) / 1e9 / runtime
  return [
    `A forward pass of one picture takes ${(cost / 1e6).toPrecision(2)} million multiplications, a gradient twice as many.`,
    `In PGD-40, L∞, the calls of ONNX Runtime did them at ${own.toFixed(0)} GFLOP/s, one multiplication and one addition being`,
    `two operations; a product of two matrices of 1,024 × 1,024 reaches ${rate.toFixed(0)} GFLOP/s on one thread.\n`,
  ].join(' ')
}

/** @returns the network as its peers get it, and by sample whether it is right */
async function judged({ graph, options }, { x, labels }) {
  const prepared = await prepareModel(graph, options)
  const forward = encodeModel(prepared.forward)
  const cost = await multiplications(prepared)
  const model = await ModelHandle.open(prepared)
  const { classes } = model
  // A copy: ONNX Runtime takes no shared memory.
  const scores = await model.scores(x.slice(), labels.length, batch)
  await model.close()
  const right = Array.from(labels, (label, i) => {
    const row = scores.subarray(i * classes, (i + 1) * classes)
    return row.indexOf(Math.max(...row)) === label
  })
  return { forward, right, cost }
}

const page = (versions, parts) => ({
  title: 'Attacks against those of others',
  about: `The same attack with the same budget by Gauntlet and by its peers: same networks, pictures (those that both
sides classify correctly), epsilons, in one run. *Robust*:
share of the pictures that still stand, judged by the network on what the attack returned. *Median norm*: of the closest
example, for attacks of least norm, which go on to their end. Both are means over ${flags.seeds} seeds where an attack draws at random. *Agrees*: share of the pictures with the same verdict; of
least norms, with one at most ${Math.round(100 * (targets.norm - 1))} % longer than the peer's.

*Seconds* are those of a clock on the wall, the shortest of as many runs as fit into a second, at most twenty; networks are
loaded and programs compiled before, on either side. On one thread, and on all cores of the machine (${cores}): of Gauntlet
that is a worker thread for each, among which the pictures are divided as the pool divides them, of the peers PyTorch with so
many threads. PyTorch runs in the memory format that is faster for the network and the number of threads. On one
thread there are besides: *CPU s*, processor time; *ORT s*, the part of our seconds inside calls of ONNX Runtime, its copies
of what goes in and out included, which is what is left if all else cost nothing; *ms a gradient*, the seconds over the
gradients of single pictures that were computed; peers go on with pictures that have fallen, ours do not.

Attacks on labels come closer with every query. Besides the run with the peers' budget there is one, against each peer, with
the fewest queries with which ours is as close as that peer: that is the time to the same verdict.

Targets: robust accuracy at most ${targets.accuracy} percentage points above the best peer's; median norm at most
${Math.round(100 * (targets.norm - 1))} % above it; ${targets.speed} times as fast as the fastest peer to the same verdict; a gradient
${targets.step} times as fast as those of Foolbox and ART. What is missed stands under each table, with the speed that would be
reached if there were nothing but the calls of ONNX Runtime. Written by \`node test/peers/attacks.mjs --write\`.`,
  section: `${Object.entries(versions)
    .map(([tool, version]) => `${tool} ${version}`)
    .join(', ')}.\n\n${parts.join('\n\n')}`,
})

async function main() {
  if (!python) {
    console.log(
      'skipped: GAUNTLET_PEERS_PYTHON does not name a Python that has PyTorch and the peers',
    )
    return
  }
  try {
    execFileSync(python, ['-c', 'import torch, onnx'], { stdio: 'pipe' })
  } catch {
    console.log(`skipped: ${python} cannot import torch and onnx`)
    return
  }
  const folder = mkdtempSync(join(tmpdir(), 'gauntlet-attacks-'))
  const worker = new Worker(python, join(import.meta.dirname, 'attacks/worker.py'), {})
  const path = join(import.meta.dirname, 'ATTACKS.md')
  // Of networks that are not measured now, what was.
  const parts = partsOf(path)
  let versions
  try {
    ;({ versions } = await worker.ask({ do: 'tools' }))
    const rate = await greatestRate()
    for (const name of names) {
      const lines = await compare(name, { worker, folder, versions, rate })
      if (lines.length > 0) parts.set(networks[name].title, lines.join('\n'))
    }
  } finally {
    await worker.close()
    rmSync(folder, { recursive: true, force: true })
  }
  const inOrder = Object.values(networks).flatMap(({ title }) => parts.get(title) ?? [])
  if (flags.write) await writePage(path, page(versions, inOrder))
}

await main()
