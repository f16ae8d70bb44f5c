import { gunzipIfNeeded, readBytes } from '../files.js'
import { isIdx, parseIdx } from '../idx.js'
import { isNpy, parseNpy } from '../npy.js'
import type { RawArray } from '../raw.js'
import { formatError } from '../raw.js'

/** Labels in a file of their own: .npy or IDX (also .gz). */
export async function readLabelFile(path: string): Promise<RawArray> {
  const bytes = gunzipIfNeeded(await readBytes(path), path)
  if (isNpy(bytes)) return parseNpy(bytes, path)
  if (isIdx(bytes)) return parseIdx(bytes, path)
  throw formatError('label file is neither .npy nor IDX', path)
}
