import { join } from 'node:path'
import type { ModelAudit, TriggerPicture } from '../../src/audit/model/result.js'
import { writeFiles } from '../write.js'
import { auditPage } from './page.js'
import { triggerPngs, type TriggerPngs } from './pictures.js'

/**
 * Writes `audit.html`, `audit.json` and of each trigger `class-3-patch.png` into `folder`, which is made if needed. All of
 * it is made before anything is written, and each file appears whole or not at all.
 *
 * @returns the paths, that of the page first
 * @throws GNT_FILE
 */
export async function writeModelAudit(
  { audit, pictures }: { audit: ModelAudit; pictures: readonly TriggerPicture[] },
  folder: string,
): Promise<string[]> {
  const pngs: TriggerPngs[] = []
  for (const picture of pictures) {
    const png = await triggerPngs(picture)
    if (png) pngs.push(png)
  }
  const files = [
    { path: join(folder, 'audit.html'), content: auditPage(audit, pngs) },
    { path: join(folder, 'audit.json'), content: `${JSON.stringify(audit, null, 2)}\n` },
    ...pngs.map(({ picture: { label, form }, trigger }) => ({
      path: join(folder, `class-${label}-${form}.png`),
      content: Buffer.from(trigger.slice(trigger.indexOf(',') + 1), 'base64'),
    })),
  ]
  await writeFiles(folder, files)
  return files.map(({ path }) => path)
}
