import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { isReserved } from '../../config/rules.js'

export interface FoundModel {
  readonly version: string
  /** Relative to the folder, with slashes. */
  readonly path: string
}

/** What `gauntlet init` writes a configuration for. */
export interface FoundProject {
  /** In natural order of their names: v2 before v10. */
  readonly models: readonly FoundModel[]
  /** The likeliest data set, relative to the folder; undefined if none was found. */
  readonly data: string | undefined
}

/** The likeliest first: a test set before others, formats that hold their labels before those that do not. */
const dataPatterns: readonly RegExp[] = [
  /test[^/]*\.npz$/i,
  /\.npz$/i,
  /test_batch[^/]*\.bin$/i,
  /t10k-images[^/]*ubyte(\.gz)?$/i,
  /images[^/]*ubyte(\.gz)?$/i,
  /test[^/]*\.csv$/i,
  /\.csv$/i,
]

const natural = new Intl.Collator('en', { numeric: true })
const skipped = /^(\.|node_modules$|dist$|gauntlet-report$)/

/** Looks in a folder and the folders directly in it; opens nothing. */
export async function findProject(folder: string): Promise<FoundProject> {
  const files = (await filesIn(folder)).sort((a, b) => natural.compare(a, b))
  const data = dataPatterns.map((pattern) => files.find((file) => pattern.test(file)))
  return { models: named(files.filter((file) => file.endsWith('.onnx'))), data: data.find(Boolean) }
}

async function filesIn(folder: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await entriesOf(folder)) {
    if (skipped.test(entry.name)) continue
    if (entry.isFile()) found.push(entry.name)
    else if (entry.isDirectory())
      for (const inner of await entriesOf(join(folder, entry.name)))
        if (inner.isFile() && !skipped.test(inner.name)) found.push(`${entry.name}/${inner.name}`)
  }
  return found
}

/** A folder that cannot be read has nothing for us. */
async function entriesOf(folder: string) {
  return await readdir(folder, { withFileTypes: true }).catch(() => [])
}

/** Versions are named after their files, with the folder where two files have one name. */
function named(paths: readonly string[]): FoundModel[] {
  const names = paths.map((path) => basename(path, '.onnx'))
  return paths.map((path, i) => {
    const name = names[i] ?? path
    const isUnique = names.filter((other) => other === name).length === 1
    return { version: isUnique && !isReserved(name) ? name : path, path }
  })
}
