/** A thread of our side: opens the network, then answers one attack after the other; null ends it. */
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { loadNetwork } from './networks.mjs'

const root = join(import.meta.dirname, '../../..')
const { runAttack } = await import(join(root, 'dist/src/attack/host.js'))
const { AttackRegistry } = await import(join(root, 'dist/src/attack/registry.js'))
const { builtInAttacks } = await import(join(root, 'dist/attacks/index.js'))
const { ModelHandle } = await import(join(root, 'dist/src/model/handle.js'))
const { prepareModel } = await import(join(root, 'dist/src/model/prepare.js'))

const { name, pictures, batch } = workerData
const { graph, options } = await loadNetwork(name)
const model = await ModelHandle.open(await prepareModel(graph, options), { threads: 1 })
const registry = new AttackRegistry(builtInAttacks)
const size = pictures.x.length / pictures.labels.length

async function attack({ own: [id, params, restarts], norm, epsilon, closest, seed, rows }) {
  const before = await model.seconds()
  const x = new Float32Array(rows.length * size)
  rows.forEach((row, i) => x.set(pictures.x.subarray(row * size, (row + 1) * size), i * size))
  const { outcomes } = await runAttack({
    model,
    plugin: registry.get(id),
    spec: registry.specify(id, params, restarts),
    threat: { norm, epsilon, bounds: [0, 1], goal: { kind: 'untargeted' } },
    x,
    labels: Int32Array.from(rows, (row) => pictures.labels[row]),
    samples: rows,
    seed,
    batch,
    search: closest ? 'closest' : 'fallen',
    isCancelled: () => false,
  })
  return { outcomes, runtime: (await model.seconds()) - before }
}

parentPort.on('message', async (request) => {
  if (request) parentPort.postMessage(await attack(request), [])
  else {
    await model.close()
    parentPort.close()
  }
})
parentPort.postMessage('ready', [])
