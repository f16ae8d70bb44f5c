/** Pages of measurements: one section for each kind of processor that has been measured, the rest written anew. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { format } from 'prettier'

/** What tells processors apart: some sellers give several generations one name. */
export function processor() {
  const name = cpus()[0].model.trim()
  const info = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : ''
  const [family, model] = ['cpu family', 'model'].map(
    (key) => new RegExp(`^${key}\\s*:\\s*(\\d+)$`, 'm').exec(info)?.[1],
  )
  return family && model ? `${name}, family ${family} model ${model}` : name
}

/** The section of a page for each kind of processor, by its name. */
function sectionsOf(path) {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  return new Map(
    [...text.matchAll(/^## On (.+)\n([^]*?)(?=^## |(?![^]))/gm)].map((one) => [one[1], one[2]]),
  )
}

/** What a page says of this processor under each third heading: the heading, and all that follows it. */
export function partsOf(path) {
  const section = sectionsOf(path).get(processor()) ?? ''
  return new Map(
    [...section.matchAll(/^### (.+)\n([^]*?)(?=^### |(?![^]))/gm)].map((one) => [one[1], one[0]]),
  )
}

/**
 * Writes a page: what was measured, a section for this processor, those of other processors as they were, remarks.
 * @param section - its tables and what is said of them
 */
export async function writePage(path, { title, about, section, remarks = '' }) {
  const sections = sectionsOf(path)
  sections.set(processor(), `\n${section}\n`)
  const measured = [...sections].toSorted(([a], [b]) => a.localeCompare(b, 'en'))
  const text = [
    `# ${title}`,
    about,
    ...measured.map(([name, body]) => `## On ${name}\n\n${body.trim()}`),
    ...(remarks ? [`## Remarks\n\n${remarks}`] : []),
  ].join('\n\n')
  writeFileSync(path, await format(text, { parser: 'markdown' }))
}
