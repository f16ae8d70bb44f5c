import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { format } from 'prettier'
import { describe, expect, it } from 'vitest'
import { reporters } from '../../../reports/index.js'
import { configJsonSchema } from '../../../src/config/json-schema.js'
import { reportFormats } from '../../../src/config/schema.js'

const path = fileURLToPath(new URL('../../../src/config/config.schema.json', import.meta.url))

describe('the published JSON Schema', () => {
  it('is what the code says; GAUNTLET_UPDATE=1 writes it', async () => {
    const fresh = await format(JSON.stringify(configJsonSchema()), {
      parser: 'json',
      printWidth: 100,
    })
    if (process.env['GAUNTLET_UPDATE']) await writeFile(path, fresh)
    expect(await readFile(path, 'utf8')).toBe(fresh)
  })

  it('is closed and described at every level', () => {
    const objects: string[] = []
    walk(configJsonSchema(), '', (node, at) => {
      if (typeof node['properties'] !== 'object' || node['properties'] === null) return
      objects.push(at)
      expect(node['additionalProperties'], `${at} takes unknown keys`).toBe(false)
      for (const [key, property] of Object.entries(node['properties']))
        expect(describedOrFixed(property), `${at}/${key} has no description`).toBe(true)
    })
    expect(objects.length).toBeGreaterThan(8)
  })

  it('names the same report formats as the reporters', () => {
    expect([...reportFormats]).toEqual(reporters.map(({ id }) => id))
  })
})

function describedOrFixed(property: unknown): boolean {
  return (
    typeof property === 'object' &&
    property !== null &&
    ('description' in property || 'const' in property)
  )
}

function walk(
  node: unknown,
  at: string,
  visit: (node: Record<string, unknown>, at: string) => void,
): void {
  if (typeof node !== 'object' || node === null) return
  if (!Array.isArray(node)) visit(node as Record<string, unknown>, at)
  for (const [key, inner] of Object.entries(node)) walk(inner, `${at}/${key}`, visit)
}
