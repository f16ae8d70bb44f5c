import { basename, dirname, join } from 'node:path'
import { exists, gunzipIfNeeded, isGzip } from '../files.js'
import { hasIdxSize, parseIdx } from '../idx.js'
import { formatError } from '../raw.js'
import { readLabelFile } from './label-file.js'
import type { DataReader } from './reader.js'

/** The MNIST family's files, also .gz. `t10k-images-idx3-ubyte` finds `t10k-labels-idx1-ubyte`. */
export const idxReader: DataReader = {
  format: 'idx',
  readsFolders: false,
  extension: /(ubyte|\.idx\d?)(\.gz)?$/i,
  isCertain: ({ bytes }) => isGzip(bytes) || hasIdxSize(bytes),
  async read({ spec, path, bytes }) {
    const values = parseIdx(gunzipIfNeeded(bytes, path), path)
    const labels = spec.labels ?? (await findLabels(path))
    if (labels === undefined)
      throw formatError('no label file beside the images', path, {
        expected: 'a file named like the images, with labels-idx1 for images-idx3',
        fix: 'name it as labels',
      })
    return { format: 'idx', values, labels: await readLabelFile(labels) }
  },
}

export async function findLabels(path: string): Promise<string | undefined> {
  const name = basename(path)
  const other = name.replace('images', 'labels').replace(/idx\d/, 'idx1')
  const bare = other.replace(/\.gz$/i, '')
  for (const candidate of [other, bare, `${bare}.gz`]) {
    const file = join(dirname(path), candidate)
    if (candidate !== name && (await exists(file))) return file
  }
  return undefined
}
