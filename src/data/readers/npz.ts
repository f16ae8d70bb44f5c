import { parseNpy } from '../npy.js'
import { formatError, printable } from '../raw.js'
import type { ZipEntry } from '../zip.js'
import { isZip, listZip, unpackEntry } from '../zip.js'
import { readLabelFile } from './label-file.js'
import type { DataReader } from './reader.js'

/** Names under which samples and labels are usually saved; the first pair that is there is read. */
export const keyPairs = [
  ['x', 'y'],
  ['images', 'labels'],
  ['x_test', 'y_test'],
  ['data', 'target'],
] as const

/** Arrays saved by numpy's `savez`, in any of `keyPairs` (upper or lower case), or with a label file. */
export const npzReader: DataReader = {
  format: 'npz',
  readsFolders: false,
  extension: /\.npz$/i,
  isCertain: ({ bytes }) => isZip(bytes),
  async read({ spec, path, bytes }) {
    const entries = listZip(bytes, path)
    const find = (key: string) => entries.find(({ name }) => name.toLowerCase() === `${key}.npy`)
    const read = (entry: ZipEntry) =>
      parseNpy(unpackEntry(bytes, entry, path), `${path}, ${printable(entry.name)}`)
    for (const [xKey, yKey] of keyPairs) {
      const x = find(xKey)
      const y = find(yKey)
      if (x && spec.labels !== undefined)
        return { format: 'npz', values: read(x), labels: await readLabelFile(spec.labels) }
      if (x && y) return { format: 'npz', values: read(x), labels: read(y) }
    }
    const keys = entries.map(({ name }) => printable(name.replace(/\.npy$/, ''))).slice(0, 12)
    throw formatError('archive has no samples with labels', path, {
      got: keys.length ? `keys ${keys.join(', ')}` : 'no keys',
      expected: keyPairs.map((names) => names.join('/')).join(' or '),
      fix: 'save it as np.savez(file, x=images, y=labels)',
    })
  },
}
