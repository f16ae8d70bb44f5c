import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { reporterById, reporters } from '../../../reports/index.js'
import { writeReports } from '../../../reports/write.js'
import { GauntletError } from '../../../src/errors.js'
import { failingReport } from '../../helpers/sample-report.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gauntlet-reports-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function failure(action: Promise<unknown>): Promise<GauntletError> {
  const error: unknown = await action.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (error instanceof GauntletError) return error
  throw error
}

describe('writeReports', () => {
  it('makes the folder and writes every format whole, once each, with nothing beside them', async () => {
    const target = join(folder, 'a', 'b')
    const ids = reporters.map((reporter) => reporter.id)
    const written = await writeReports(failingReport(), target, [...ids, 'json'])
    expect(written.map(({ id }) => id)).toEqual(ids)
    expect((await readdir(target)).sort()).toEqual(reporters.map((r) => r.fileName).sort())
    for (const { id, path } of written)
      expect(await readFile(path, 'utf8')).toBe(await reporterById(id).render(failingReport()))
  })

  it('replaces what an earlier run wrote', async () => {
    await writeFile(join(folder, 'cells.csv'), 'old')
    await writeReports(failingReport(), folder, ['csv'])
    expect(await readFile(join(folder, 'cells.csv'), 'utf8')).toMatch(/^run,/)
  })

  it('writes nothing when a format is unknown', async () => {
    const error = await failure(writeReports(failingReport(), folder, ['json', 'pdf']))
    expect(error.code).toBe('GNT_USAGE')
    expect(await readdir(folder)).toEqual([])
  })

  it('says in one line that the folder is a file', async () => {
    const path = join(folder, 'taken')
    await writeFile(path, '')
    const error = await failure(writeReports(failingReport(), join(path, 'x'), ['json']))
    expect(error.code).toBe('GNT_FILE')
    expect(error.message).toBe(
      `report cannot be written (${join(path, 'x')}): got ENOTDIR; choose another folder`,
    )
  })

  it('leaves no half file when the last step fails', async () => {
    await mkdir(join(folder, 'report.json', 'in-the-way'), { recursive: true })
    const error = await failure(writeReports(failingReport(), folder, ['json']))
    expect(error.code).toBe('GNT_FILE')
    expect(await readdir(folder)).toEqual(['report.json'])
  })
})
