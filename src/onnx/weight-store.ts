import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import { GauntletError } from '../errors.js'
import type { Attr, Graph, Node, Tensor } from '../graph/ir.js'
import type { ExternalReader } from './decode-tensor.js'
import type { ExternalPlace } from './encode.js'
import { makeWeightFolder, removeFolder, weightFoldersOf } from './weight-folder.js'

const location = 'weights'

/** A page of memory: ONNX Runtime maps each tensor from there on. */
const alignment = 4096

/** Smaller tensors stay in the model: sizes, axes, biases. */
const least = 4096

/**
 * The weights of one model in a file of their own, which ONNX Runtime maps into memory: however many graphs and sessions
 * refer to them, they are written once, copied into none, and lie in memory as often as the file does, once.
 *
 * The file goes with the process, or when nobody holds the store any more.
 */
export class WeightStore {
  /** Where models that refer to the weights must be said to lie. */
  readonly folder: string
  readonly #file: number
  #end = 0
  #isClosed = false
  /** By tensor, or by the array of its data. */
  readonly #places = new WeakMap<object, ExternalPlace>()

  /**
   * @param sizeBytes - what the weights of the model take, which decides where there is room for them
   * @throws GNT_FILE when the folder for temporary files cannot be written to
   */
  constructor(sizeBytes = 0) {
    sweep()
    try {
      this.folder = makeWeightFolder(sizeBytes)
      this.#file = openSync(join(this.folder, location), 'w+')
    } catch (cause) {
      throw unwritable(cause, tmpdir())
    }
    abandoned.register(this, { folder: this.folder, file: this.#file }, this)
  }

  /** Removes the file. Sessions that are open keep what they have mapped; graphs that refer to it are of no more use. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    abandoned.unregister(this)
    closeSync(this.#file)
    removeFolder(this.folder)
  }

  /** Where a tensor lies; it is written if it is new. @returns undefined for a small one */
  readonly place = (_name: string, tensor: Tensor): ExternalPlace | undefined => {
    const kept = this.#places.get(tensor)
    if (kept) return kept
    const { data } = tensor
    const known = this.#places.get(data)
    if (known || data.byteLength < least) return known
    const place = { location, offset: this.#end, length: data.byteLength }
    try {
      for (let at = 0; at < data.byteLength;) {
        const count = Math.min(data.byteLength - at, 2 ** 30)
        at += writeSync(this.#file, data, at, count, this.#end + at)
      }
    } catch (cause) {
      throw unwritable(cause, this.folder)
    }
    this.#end += Math.ceil(data.byteLength / alignment) * alignment
    this.#places.set(data, place)
    this.#places.set(tensor, place)
    return place
  }

  /** What lies at a place; its bytes are read whenever somebody asks for them. */
  readonly read: ExternalReader = (place, { dtype, dims }) => {
    const bytes = (): Uint8Array => this.#bytesAt(place)
    const tensor: Tensor = {
      dtype,
      dims,
      byteLength: place.length,
      get data() {
        return bytes()
      },
    }
    this.#places.set(tensor, place)
    return tensor
  }

  #bytesAt(place: ExternalPlace): Uint8Array {
    const { offset, length } = place
    const data = new Uint8Array(length)
    for (let at = 0; at < length;) {
      const count = readSync(this.#file, data, at, Math.min(length - at, 2 ** 30), offset + at)
      if (count === 0) throw new Error('the weights are gone')
      at += count
    }
    this.#places.set(data, place)
    return data
  }

  /**
   * The graph with all larger weights in the file: their bytes are read when somebody asks for them. The others are
   * copied, or a single number would hold in memory the model file that it is a view into.
   */
  keep(graph: Graph): Graph {
    const initializers = Object.entries(graph.initializers).map(([name, tensor]) => {
      const place = this.place(name, tensor)
      return [name, place ? this.read(place, tensor) : copied(tensor)] as const
    })
    return {
      ...graph,
      initializers: Object.fromEntries(initializers),
      nodes: graph.nodes.map((node) => this.#keepWithin(node)),
    }
  }

  /** Constants in attributes, and branches. */
  #keepWithin(node: Node): Node {
    const kinds = Object.values(node.attrs).map(({ kind }) => kind)
    if (!kinds.includes('tensor') && !kinds.includes('graph')) return node
    const keep = (attr: Attr): Attr => {
      if (attr.kind === 'graph') return { ...attr, value: this.keep(attr.value) }
      return attr.kind === 'tensor' ? { ...attr, value: copied(attr.value) } : attr
    }
    const attrs = Object.entries(node.attrs).map(([name, attr]) => [name, keep(attr)] as const)
    return { ...node, attrs: Object.fromEntries(attrs) }
  }
}

/** With data of its own, whatever they were a view into or are made of. */
function copied(tensor: Tensor): Tensor {
  const { dtype, dims, byteLength, data } = tensor
  const isOwn = data.byteLength === data.buffer.byteLength
  if (byteLength === undefined && isOwn) return tensor
  return { dtype, dims, data: isOwn ? data : data.slice() }
}

function unwritable(cause: unknown, where: string): GauntletError {
  return new GauntletError(
    'GNT_FILE',
    {
      what: 'the weights of the model cannot be written for the runtime',
      where,
      got: cause instanceof Error ? cause.message : String(cause),
      fix: 'free some space, or let TMPDIR name another folder',
    },
    { cause },
  )
}

const abandoned = new FinalizationRegistry<{ folder: string; file: number }>(({ folder, file }) => {
  closeSync(file)
  removeFolder(folder)
})

/** Removes the weights of all models of this process, its threads included. */
export function removeWeights(): void {
  for (const folder of weightFoldersOf((pid) => pid === process.pid)) removeFolder(folder)
}

let isSwept = false

/** Once a process: sees to its own files, and clears away those of processes that were killed. */
function sweep(): void {
  if (isSwept) return
  isSwept = true
  // The end of one thread is not that of the others.
  if (isMainThread) process.once('exit', removeWeights)
  for (const folder of weightFoldersOf((pid) => !isRunning(pid))) removeFolder(folder)
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Of somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
