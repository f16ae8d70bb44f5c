import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tensor } from '../../src/graph/ir.js'
import { decodeTensor } from '../../src/onnx/decode-tensor.js'
import { readFields } from '../../src/onnx/wire.js'

/** Where Debian's package libonnx-testdata puts the ONNX project's own backend tests. */
export const backendFolder =
  process.env['GAUNTLET_ONNX_TESTDATA'] ?? '/usr/share/libonnx-testdata/data'

/** One folder of the backend tests: a model, and values of its inputs. */
export interface BackendCase {
  readonly name: string
  readonly model: Uint8Array
  /** In the order of the model's inputs; null where a file holds no tensor that Gauntlet carries. */
  readonly inputs: readonly (Tensor | null)[]
}

/** Names of the cases of a group (`node`, `pytorch-operator`, …); empty where the package is not installed. */
export function backendNames(group: string): string[] {
  const folder = join(backendFolder, group)
  return existsSync(folder) ? readdirSync(folder).toSorted() : []
}

export function readBackendCase(group: string, name: string): BackendCase {
  const folder = join(backendFolder, group, name)
  const values = join(folder, 'test_data_set_0')
  const files = existsSync(values)
    ? readdirSync(values).filter((file) => /^input_\d+\.pb$/.test(file))
    : []
  const inputs = files
    .toSorted((a, b) => Number(a.slice(6, -3)) - Number(b.slice(6, -3)))
    .map((file) => readTensor(join(values, file)))
  return { name, model: readFileSync(join(folder, 'model.onnx')), inputs }
}

/** A TensorProto in a file of its own; null for strings, sequences and other things that are no tensor of numbers. */
function readTensor(path: string): Tensor | null {
  try {
    return decodeTensor(readFields(new Uint8Array(readFileSync(path))), path)
  } catch {
    return null
  }
}
