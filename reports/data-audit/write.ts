import { join } from 'node:path'
import type { DataAudit, SuspectSample } from '../../src/audit/data/result.js'
import { writeFiles } from '../write.js'
import { dataAuditPage } from './page.js'

/**
 * Writes `audit-data.html` and `audit-data.json` into `folder`, which is made if needed; each appears whole or not at all.
 * @param samples - the first of the suspects
 * @returns the paths, that of the page first
 * @throws GNT_FILE
 */
export async function writeDataAudit(
  audit: DataAudit,
  samples: readonly SuspectSample[],
  folder: string,
): Promise<string[]> {
  const files = [
    { path: join(folder, 'audit-data.html'), content: await dataAuditPage(audit, samples) },
    { path: join(folder, 'audit-data.json'), content: `${JSON.stringify(audit, null, 2)}\n` },
  ]
  await writeFiles(folder, files)
  return files.map(({ path }) => path)
}
