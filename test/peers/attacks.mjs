/**
 * Strength and speed of attacks against the same attacks in Foolbox, torchattacks, ART and AutoAttack: same networks,
 * pictures, epsilons and budgets, in one run.
 *
 *   npm run build && GAUNTLET_PEERS_PYTHON=python3 node test/peers/attacks.mjs
 *     [--images N] [--dear N] [--threads N] [--rows TEXT] [--norms linf,l2] [--write] [network …]
 *
 * `--images` for cheap rows and `--dear` for the others; `--rows` keeps those whose title contains the text; `--write` puts
 * the tables into ATTACKS.md. Without names: the first two networks that are there. GAUNTLET_PEERS_AUTOATTACK names the
 * folder that holds the authors' package `autoattack`, which no registry has.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writePage } from '../bench/page.mjs'
import { targets } from './attacks/compare.mjs'
import { loadNetwork, loadPictures, networks } from './attacks/networks.mjs'
import { Own } from './attacks/own.mjs'
import { rows } from './attacks/rows.mjs'
import { header, linesOf } from './attacks/table.mjs'
import { Worker } from './speed/worker.mjs'

const root = join(import.meta.dirname, '../..')
const { encodeModel } = await import(join(root, 'dist/src/onnx/encode.js'))

const { values: flags, positionals } = parseArgs({
  options: {
    images: { type: 'string', default: '150' },
    dear: { type: 'string', default: '50' },
    threads: { type: 'string', default: '1' },
    rows: { type: 'string', default: '' },
    norms: { type: 'string', default: 'linf,l2,l1,l0' },
    write: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
const python = process.env.GAUNTLET_PEERS_PYTHON
const threads = Number(flags.threads)
const names = positionals.length > 0 ? positionals : ['cifar_base_kw', 'resnet_2b']

/** @returns lines of the network's table, printed as they come */
async function compare(name, { worker, folder, versions, pictures }) {
  const network = await loadNetwork(name)
  if (!network) {
    console.log(`skipped: ${name}.onnx is not in ../shared/data/vnncomp/onnx`)
    return []
  }
  const { x, labels, dims } = pictures
  const own = await Own.open(network, { x, labels, threads })
  const save = (file, data) => {
    const path = join(folder, file)
    writeFileSync(path, data)
    return path
  }
  const { right } = await worker.ask({
    do: 'load',
    model: save('model.onnx', encodeModel(own.prepared.forward)),
    x: save('x.raw', x),
    labels: [...labels],
    dims,
    threads,
  })
  const rightHere = await own.right()
  const both = [...labels.keys()].filter((i) => right[i] && rightHere[i])
  const lines = []
  const print = (...more) => {
    lines.push(...more)
    for (const line of more) console.log(line)
  }
  print(`### ${networks[name].title}`, '', ...header)
  try {
    for (const row of rows) {
      const { title, norm, closest = false } = row
      if (!title.includes(flags.rows) || !flags.norms.split(',').includes(norm)) continue
      const epsilon = networks[name].epsilons[norm]
      const chosen = both.slice(0, Number(row.dear ? flags.dear : flags.images))
      const asked = { norm, epsilon, closest, rows: chosen }
      const result = await own.attack({ ...asked, own: row.own })
      const peers = []
      for (const [tool, attack, args] of row.peers(epsilon)) {
        if (!(tool in versions)) continue
        const request = { do: 'attack', tool, name: attack, args, ...asked }
        try {
          peers.push({ tool, result: await worker.ask(request) })
        } catch (error) {
          console.log(`left out: ${tool}, ${attack}: ${error.message}`)
        }
      }
      print(...linesOf({ ...row, epsilon, closest, own: result, peers }))
    }
  } finally {
    await own.close()
  }
  return [...lines, '']
}

const page = (versions, lines) => ({
  title: 'Attacks against those of others',
  about: `The same attack with the same budget by Gauntlet and by its peers: same networks, pictures (those that both
sides classify correctly), epsilons, in one run, ${threads === 1 ? 'one thread each' : `${threads} threads each`}. *Robust*:
share of the pictures that still stand, judged by the network on what the attack returned. *Median norm*: of the closest
example, for attacks of least norm, which go on to their end. *Agrees*: share of the pictures with the same verdict; of
least norms, with one at most ${Math.round(100 * (targets.norm - 1))} % longer than the peer's. *Seconds*: of processor time,
which other work on the machine hardly lengthens, the shortest of as many runs as fit into a second, at most five; programs
are compiled before. *ms a gradient*: these
seconds over the gradients of single pictures that were computed; peers go on with pictures that have fallen, ours do not.
PyTorch runs in the memory format that is faster for the network.

Targets: robust accuracy at most ${targets.accuracy} percentage points above the best peer's; median norm at most
${Math.round(100 * (targets.norm - 1))} % above it; ${targets.speed} times as fast as the fastest peer; a gradient
${targets.step} times as fast as those of Foolbox and ART. What is missed stands in the last column. Written by
\`node test/peers/attacks.mjs --write\`.`,
  section: `${Object.entries(versions)
    .map(([tool, version]) => `${tool} ${version}`)
    .join(', ')}.\n\n${lines.join('\n')}`,
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
  const pictures = await loadPictures()
  if (!pictures) {
    console.log('skipped: images.npz is not in ../shared/data/cifar10-robust')
    return
  }
  const folder = mkdtempSync(join(tmpdir(), 'gauntlet-attacks-'))
  const worker = new Worker(python, join(import.meta.dirname, 'attacks/worker.py'))
  const lines = []
  let versions
  try {
    ;({ versions } = await worker.ask({ do: 'tools' }))
    for (const name of names)
      lines.push(...(await compare(name, { worker, folder, versions, pictures })))
  } finally {
    await worker.close()
    rmSync(folder, { recursive: true, force: true })
  }
  if (flags.write) await writePage(join(import.meta.dirname, 'ATTACKS.md'), page(versions, lines))
}

await main()
