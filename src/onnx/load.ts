import { createHash, type Hash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { GauntletError } from '../errors.js'
import type { Graph } from '../graph/ir.js'
import { decodeModel } from './decode.js'
import { openExternalData } from './external-data.js'

export interface LoadedModel {
  readonly graph: Graph
  /** The model file as it stands on disk; without its external data. */
  readonly bytes: Uint8Array
  /** SHA-256, 64 hex digits: of the file, and of the external data files it uses. */
  readonly digest: string
  /** The external data files it uses, as paths that lead to them without links. */
  readonly externalFiles: readonly string[]
  /** Model file and external data files together. */
  readonly sizeBytes: number
}

/** What Node reads into one buffer, and protobuf's own limit. */
const maxFileBytes = 2 ** 31 - 1

/**
 * Reads an ONNX model, with external data. The file is untrusted: nothing is allocated because it says so.
 *
 * @throws GauntletError GNT_FILE when it is missing, a folder or unreadable; GNT_MODEL_FORMAT when it is
 * not a well-formed model or its external data is not what it says; GNT_MODEL_UNSUPPORTED as `decodeModel`
 */
export async function loadModel(path: string): Promise<LoadedModel> {
  const hash = createHash('sha256')
  const bytes = await readModelFile(path, hash)
  const external = openExternalData(dirname(path), path)
  try {
    const graph = decodeModel(bytes, { external: external.read, where: path })
    external.addTo(hash)
    const sizeBytes = bytes.byteLength + external.sizeBytes()
    return { graph, bytes, digest: hash.digest('hex'), externalFiles: external.files(), sizeBytes }
  } finally {
    external.close()
  }
}

/** The bytes of a model file alone, as `loadModel` reads them. @throws GNT_FILE */
export async function readModelBytes(path: string): Promise<Uint8Array> {
  return readModelFile(path, createHash('sha256'))
}

/** @param hash - is given the bytes, each piece while the next one is read */
async function readModelFile(path: string, hash: Hash): Promise<Uint8Array> {
  const refuse = (got: string, cause?: unknown, fix?: string) => {
    const detail = { what: 'the model cannot be read', where: path, got, fix }
    return new GauntletError('GNT_FILE', detail, { cause })
  }
  try {
    // Non-blocking, so that a named pipe is refused rather than waited for.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stat = await file.stat()
      if (stat.isDirectory()) throw refuse('a folder', undefined, 'name the .onnx file in it')
      if (!stat.isFile()) throw refuse('something that is not a regular file')
      if (stat.size > maxFileBytes)
        throw refuse(`${stat.size} bytes, over the 2 GiB of one ONNX file`)
      return await readPieces(file, stat.size, hash)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof GauntletError) throw error
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') throw refuse('no such file', error, 'check the path')
    throw refuse(code ?? String(error), error)
  }
}

/** Bytes that are read at once: few enough that reading and hashing keep two cores busy. */
const pieceBytes = 2 ** 22

async function readPieces(file: FileHandle, sizeBytes: number, hash: Hash): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes)
  const readFrom = (at: number): Promise<{ bytesRead: number }> =>
    file.read(bytes, at, Math.min(pieceBytes, sizeBytes - at), at)
  let end = 0
  for (let next = readFrom(0); ;) {
    const { bytesRead } = await next
    const piece = bytes.subarray(end, end + bytesRead)
    end += bytesRead
    const isLast = bytesRead === 0 || end === sizeBytes
    if (!isLast) next = readFrom(end)
    hash.update(piece)
    if (isLast) return bytes.subarray(0, end)
  }
}
