import { closeSync, mkdtempSync, openSync, readdirSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import type { Graph, Tensor } from '../graph/ir.js'
import type { ExternalReader } from './decode-tensor.js'
import type { ExternalPlace } from './encode.js'

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
  /** By tensor, or by the array of its data. */
  readonly #places = new WeakMap<object, ExternalPlace>()
  readonly #arrays = new Map<number, WeakRef<Uint8Array>>()

  constructor() {
    sweep()
    this.folder = mkdtempSync(join(tmpdir(), prefixOf(process.pid)))
    this.#file = openSync(join(this.folder, location), 'w+')
    abandoned.register(this, { folder: this.folder, file: this.#file })
  }

  /** Where a tensor lies; it is written if it is new. @returns undefined for a small one */
  readonly place = (_name: string, tensor: Tensor): ExternalPlace | undefined => {
    const kept = this.#places.get(tensor)
    if (kept) return kept
    const { data } = tensor
    const known = this.#places.get(data)
    if (known || data.byteLength < least) return known
    const place = { location, offset: this.#end, length: data.byteLength }
    for (let at = 0; at < data.byteLength;)
      at += writeSync(this.#file, data, at, Math.min(data.byteLength - at, 2 ** 30), this.#end + at)
    this.#end += Math.ceil(data.byteLength / alignment) * alignment
    this.#places.set(data, place)
    this.#arrays.set(place.offset, new WeakRef(data))
    return place
  }

  /** The bytes at a place: those that were written, if they are still in memory. */
  readonly read: ExternalReader = (_location, offset, length) => {
    const held = this.#arrays.get(offset)?.deref()
    if (held?.byteLength === length) return held
    const data = new Uint8Array(length)
    for (let at = 0; at < length;) {
      const count = readSync(this.#file, data, at, Math.min(length - at, 2 ** 30), offset + at)
      if (count === 0) throw new Error('the weights are gone')
      at += count
    }
    this.#places.set(data, { location, offset, length })
    this.#arrays.set(offset, new WeakRef(data))
    return data
  }

  /** The graph with all larger weights in the file: their bytes are read when somebody asks for them. */
  keep(graph: Graph): Graph {
    const initializers = Object.entries(graph.initializers).map(([name, tensor]) => {
      const place = this.place(name, tensor)
      return [name, place ? this.#keptAt(place, tensor) : tensor] as const
    })
    return { ...graph, initializers: Object.fromEntries(initializers) }
  }

  #keptAt(place: ExternalPlace, { dtype, dims }: Tensor): Tensor {
    const { read } = this
    const tensor: Tensor = {
      dtype,
      dims,
      byteLength: place.length,
      get data() {
        return read(place.location, place.offset, place.length)
      },
    }
    this.#places.set(tensor, place)
    return tensor
  }
}

const prefixOf = (pid: number): string => `gauntlet-weights-${pid}-`

const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true })

const abandoned = new FinalizationRegistry<{ folder: string; file: number }>(({ folder, file }) => {
  closeSync(file)
  remove(folder)
})

/** Removes the weights of all models of this process, its threads included. */
export function removeWeights(): void {
  for (const folder of foldersOf((pid) => pid === process.pid)) remove(folder)
}

let isSwept = false

/** Once a process: sees to its own files, and clears away those of processes that were killed. */
function sweep(): void {
  if (isSwept) return
  isSwept = true
  // The end of one thread is not that of the others.
  if (isMainThread) process.once('exit', removeWeights)
  for (const folder of foldersOf((pid) => !isRunning(pid))) remove(folder)
}

function foldersOf(wanted: (pid: number) => boolean): string[] {
  return readdirSync(tmpdir())
    .filter((name) => {
      const pid = /^gauntlet-weights-(\d+)-/.exec(name)?.[1]
      return pid !== undefined && wanted(Number(pid))
    })
    .map((name) => join(tmpdir(), basename(name)))
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
