import { createHash, randomUUID } from 'node:crypto'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { GauntletError } from '../errors.js'
import type { Graph, Tensor } from '../graph/ir.js'
import { byteLengthOf, checkBytes } from '../graph/tensor.js'
import { encodeModel, type ExternalPlace, type ModelNotes } from './encode.js'

export interface SaveOptions extends ModelNotes {
  /** Weights of more bytes than this in total go to a second file. Default 1.5e9: protobuf ends at 2 GiB. */
  readonly externalAbove?: number
}

/** Tensors smaller than this stay in the model file: the runtime reads shapes and axes from there. */
const minExternalBytes = 1024
/** The page size that onnx.proto3 recommends for offsets. */
const alignment = 4096

/**
 * Writes a model so that a reader sees the old file or the whole new one. External data goes to
 * `NAME-DIGEST.data` beside it: its name follows its content, so that a model never meets the data of another.
 *
 * @throws GauntletError GNT_FILE when the folder cannot be written; GNT_GRAPH_INVALID for a tensor whose bytes are not what
 * its dims ask for; nothing is left behind
 */
export async function saveModel(
  graph: Graph,
  path: string,
  { externalAbove = 1.5e9, ...notes }: SaveOptions = {},
): Promise<void> {
  const weights = Object.entries(graph.initializers)
  const total = weights.reduce((sum, [, tensor]) => sum + byteLengthOf(tensor), 0)
  try {
    if (total <= externalAbove) return await writeAtomically(path, [encodeModel(graph, notes)])
    const outside = weights.filter(([, tensor]) => byteLengthOf(tensor) >= minExternalBytes)
    const location = dataName(path, outside)
    const { places, pieces } = layOut(outside, location)
    const model = encodeModel(graph, { ...notes, place: (name) => places.get(name) })
    await writeAtomically(join(dirname(path), location), pieces)
    await writeAtomically(path, [model])
  } catch (cause) {
    if (cause instanceof GauntletError) throw cause
    const got = cause instanceof Error ? cause.message : String(cause)
    throw new GauntletError(
      'GNT_FILE',
      { what: 'the model cannot be written', where: path, got },
      { cause },
    )
  }
}

function dataName(path: string, weights: readonly (readonly [string, Tensor])[]): string {
  const hash = createHash('sha256')
  for (const [, { data }] of weights) hash.update(data)
  return `${basename(path, extname(path))}-${hash.digest('hex').slice(0, 12)}.data`
}

function layOut(
  weights: readonly (readonly [string, Tensor])[],
  location: string,
): { places: Map<string, ExternalPlace>; pieces: Uint8Array[] } {
  const places = new Map<string, ExternalPlace>()
  const pieces: Uint8Array[] = []
  let end = 0
  for (const [name, tensor] of weights) {
    const { data } = tensor
    checkBytes(tensor, data.byteLength, name)
    const gap = (alignment - (end % alignment)) % alignment
    places.set(name, { location, offset: end + gap, length: data.byteLength })
    pieces.push(new Uint8Array(gap), data)
    end += gap + data.byteLength
  }
  return { places, pieces }
}

async function writeAtomically(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(temporary, 'wx')
    try {
      for (const piece of pieces) await writeAll(file, piece)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** One write takes at most 2 GiB, and may take less than it is given. */
async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) {
    const { bytesWritten } = await file.write(bytes, at, Math.min(bytes.byteLength - at, 2 ** 30))
    at += bytesWritten
  }
}
