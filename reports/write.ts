import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GauntletError } from '../src/errors.js'
import type { RunReport } from '../src/reporter.js'
import { reporterById } from './index.js'

export interface WrittenReport {
  readonly id: string
  readonly path: string
}

/**
 * Renders `report` in each format of `ids` and writes the files into `folder`, which is made if needed.
 * Everything is rendered before anything is written, and each file appears whole or not at all.
 *
 * @throws GauntletError GNT_USAGE on an unknown id; GNT_FILE when the folder or a file cannot be written
 */
export async function writeReports(
  report: RunReport,
  folder: string,
  ids: readonly string[],
): Promise<WrittenReport[]> {
  const chosen = [...new Set(ids)].map(reporterById)
  const rendered: { id: string; path: string; text: string }[] = []
  for (const reporter of chosen) {
    const path = join(folder, reporter.fileName)
    rendered.push({ id: reporter.id, path, text: await reporter.render(report) })
    for (const { fileName, text } of (await reporter.more?.(report)) ?? [])
      rendered.push({ id: reporter.id, path: join(folder, fileName), text })
  }
  await writeFiles(
    folder,
    rendered.map(({ path, text }) => ({ path, content: text })),
  )
  return rendered.map(({ id, path }) => ({ id, path }))
}

/**
 * Writes files into `folder`, which is made if needed; each appears whole or not at all.
 * @throws GauntletError GNT_FILE
 */
export async function writeFiles(
  folder: string,
  files: readonly { readonly path: string; readonly content: string | Uint8Array }[],
): Promise<void> {
  await orFileError(folder, () => mkdir(folder, { recursive: true }))
  for (const { path, content } of files) await orFileError(path, () => writeWhole(path, content))
}

/** The temporary file stands in the same folder, so that the rename stays on one file system. */
async function writeWhole(path: string, text: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    await writeFile(temporary, text, { flag: 'wx' })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function orFileError(path: string, action: () => Promise<unknown>): Promise<void> {
  try {
    await action()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new GauntletError(
      'GNT_FILE',
      { what: 'report cannot be written', where: path, got: code, fix: 'choose another folder' },
      { cause },
    )
  }
}
