import { existsSync } from 'node:fs'
import { access, constants, statfs } from 'node:fs/promises'
import { availableParallelism, freemem, totalmem } from 'node:os'
import { dirname, resolve } from 'node:path'
import { encodeModel } from '../../onnx/encode.js'
import { fail, ok, warn, type Check, type Patient } from './check.js'

const leastNode = [20, 19] as const
const littleMemory = 2e9
const littleDisk = 1e9

/** `1.5 GB` */
function size(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`
}

export const nodeVersion: Check = {
  label: 'Node.js',
  async check() {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
    const isOld = major < leastNode[0] || (major === leastNode[0] && minor < leastNode[1])
    const version = process.versions.node
    return isOld ? fail(`${version}: at least ${leastNode.join('.')} is needed`) : ok(version)
  },
}

/** y = x + x, opset 17: all that is asked of the runtime is that it runs. */
function tinyModel(): Uint8Array {
  return encodeModel({
    name: 'doctor',
    opsets: { '': 17 },
    irVersion: 8,
    inputs: [{ name: 'x', dtype: 'float32', dims: [2] }],
    outputs: [{ name: 'y', dtype: 'float32', dims: [2] }],
    initializers: {},
    nodes: [{ name: 'add', op: 'Add', domain: '', inputs: ['x', 'x'], outputs: ['y'], attrs: {} }],
  })
}

/** @throws what the runtime says, if the tiny model does not run on `provider` */
async function runTiny(provider: string): Promise<readonly number[]> {
  const { Session } = await import('../../runtime/session.js')
  const session = await Session.open(tinyModel(), { provider })
  try {
    const x = { dtype: 'float32', dims: [2], data: Float32Array.of(1.5, -2) } as const
    return Array.from((await session.run({ x }))['y']?.data ?? [], Number)
  } finally {
    await session.close()
  }
}

export const runtime: Check = {
  label: 'ONNX Runtime',
  async check() {
    const { env } = await import('onnxruntime-node')
    const version = env.versions.node ?? env.versions.common
    const y = await runTiny('cpu')
    return y.join() === '3,-4'
      ? ok(`${version}, runs a model`)
      : fail(`${version} gives wrong results: got ${y.join()}, expected 3,-4`)
  },
}

export const providers: Check = {
  label: 'execution providers',
  async check({ config }) {
    const { listSupportedBackends } = await import('onnxruntime-node')
    const backends = listSupportedBackends()
    const known = backends.map(({ name, bundled }) =>
      bundled ? name : `${name} (separate install)`,
    )
    for (const device of config?.devices ?? []) if (device !== 'cpu') await runTiny(device)
    return ok(known.join(', '))
  },
}

export const cores: Check = {
  label: 'cores',
  async check() {
    return ok(String(availableParallelism()))
  },
}

export const memory: Check = {
  label: 'memory',
  async check() {
    const text = `${size(freemem())} free of ${size(totalmem())}`
    return freemem() < littleMemory ? warn(`${text}: use fewer workers for large models`) : ok(text)
  },
}

/** The folder of the store, or of it what is there already. */
function storeFolder({ config, cwd }: Patient): string {
  let folder = dirname(resolve(cwd, config?.store ?? '.gauntlet/results.db'))
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder)
  return folder
}

export const disk: Check = {
  label: 'disk',
  async check(patient) {
    const folder = storeFolder(patient)
    const isWritable = await access(folder, constants.W_OK).then(
      () => true,
      () => false,
    )
    if (!isWritable) return fail(`no permission to write in ${folder}: choose another store`)
    const { bavail, bsize } = await statfs(folder)
    const text = `${size(bavail * bsize)} free, store folder writable`
    return bavail * bsize < littleDisk ? warn(text) : ok(text)
  },
}
