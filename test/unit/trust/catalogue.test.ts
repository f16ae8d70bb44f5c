import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findSignal, signals } from '../../../src/trust/catalogue/index.js'
import type { Signal } from '../../../src/trust/types.js'
import { runCli } from '../../../src/cli/run.js'
import { memoryIo } from '../../helpers/memory-io.js'

const numbered = (letter: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${letter}${i + 1}`)

async function run(...argv: string[]) {
  const io = memoryIo()
  const code = await runCli(['explain', ...argv], io)
  return { code, out: io.stdout(), err: io.stderr() }
}

describe('the catalogue', () => {
  it('holds P1 to P16, E1 to E26 and B1 to B12, once and in order', () => {
    expect(signals.map(({ id }) => id)).toEqual([
      ...numbered('P', 16),
      ...numbered('E', 26),
      ...numbered('B', 12),
    ])
  })

  it.each(signals)('$id is complete', ({ title, severity, test, source, remedy }) => {
    for (const text of [title, test, source, remedy]) {
      expect(text).toMatch(/\S{2}/)
      expect(text).not.toMatch(/\n|\.$/)
    }
    expect(title.length).toBeLessThan(80)
    expect(['error', 'warning', 'note']).toContain(severity)
  })

  it('is found in upper and lower case', () => {
    expect(findSignal('e10').id).toBe('E10')
  })

  it('holds every signal that the checks raise', () => {
    const folder = join(import.meta.dirname, '../../../src/trust')
    const text = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('\n')
    const raised = [...text.matchAll(/signal: '(\w+)'/g)].map(([, id]) => id!)
    expect(raised.length).toBeGreaterThan(10)
    expect(raised.filter((id) => !signals.some((signal) => signal.id === id))).toEqual([])
  })
})

describe('gauntlet explain', () => {
  it('lists every signal in aligned columns', async () => {
    const { code, out } = await run()
    const [head = '', ...rows] = out.trimEnd().split('\n')
    expect(code).toBe(0)
    expect(rows).toHaveLength(signals.length)
    for (const [i, { id, severity, title }] of signals.entries()) {
      expect(rows[i]?.startsWith(`${id} `)).toBe(true)
      expect(rows[i]?.indexOf(severity)).toBe(head.indexOf('severity'))
      expect(rows[i]?.indexOf(title)).toBe(head.indexOf('signal'))
    }
  })

  it('says of one what it is, who described it, and what to do', async () => {
    const { code, out } = await run('E2')
    const flat = out.replaceAll(/\s+/g, ' ')
    const { title, test, source, remedy } = findSignal('E2')
    expect(code).toBe(0)
    expect(out).toMatch(/^E2: An attack/)
    for (const text of [title, test, source, remedy]) expect(flat).toContain(text)
    expect(flat).toContain('error: the number is void')
  })

  it('is one JSON value for machines', async () => {
    expect(JSON.parse((await run('--json')).out)).toEqual(signals)
    expect(JSON.parse((await run('p3', '--json')).out) as Signal).toEqual(findSignal('P3'))
  })

  it('does not know others', async () => {
    const { code, out, err } = await run('E222')
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(err.trimEnd().split('\n')).toHaveLength(1)
    expect(err).toContain('no signal is called E222')
    expect(err).toContain('did you mean E22?')
    expect((await run('banana')).err).not.toContain('did you mean')
  })

  it('has help with an example', async () => {
    const { code, out } = await run('--help')
    expect(code).toBe(0)
    expect(out).toContain('gauntlet explain E2')
  })
})
