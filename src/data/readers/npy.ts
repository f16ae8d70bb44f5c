import { basename, dirname, join } from 'node:path'
import { exists } from '../files.js'
import { isNpy, parseNpy } from '../npy.js'
import { formatError } from '../raw.js'
import { readLabelFile } from './label-file.js'
import type { DataReader } from './reader.js'

/** One array saved by numpy's `save`; its labels stand in another: `x.npy` beside `y.npy`, or as named. */
export const npyReader: DataReader = {
  format: 'npy',
  readsFolders: false,
  extension: /\.npy$/i,
  isCertain: ({ bytes }) => isNpy(bytes),
  async read({ spec, path, bytes }) {
    const values = parseNpy(bytes, path)
    const labels = spec.labels ?? (await findLabels(path))
    if (labels === undefined)
      throw formatError('an .npy file holds samples but no labels', path, {
        fix: 'name the label file as labels, or save both in one .npz with keys x and y',
      })
    return { format: 'npy', values, labels: await readLabelFile(labels) }
  },
}

/** `x_test.npy` -> `y_test.npy`, `images.npy` -> `labels.npy`, where that exists. */
export async function findLabels(path: string): Promise<string | undefined> {
  const name = basename(path)
  for (const other of [name.replace(/^x(?=[_.])/i, 'y'), name.replace('images', 'labels')]) {
    const candidate = join(dirname(path), other)
    if (other !== name && (await exists(candidate))) return candidate
  }
  return undefined
}
