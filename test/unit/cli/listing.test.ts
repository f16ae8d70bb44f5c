import { describe, expect, it } from 'vitest'
import { builtInAttacks } from '../../../attacks/index.js'
import { builtInPoisons } from '../../../attacks/poisoning/index.js'
import { configJsonSchema } from '../../../src/config/json-schema.js'
import { runCli } from '../../../src/cli/run.js'
import { builtInSuites } from '../../../suites/index.js'
import { memoryIo } from '../../helpers/memory-io.js'

async function run(...argv: string[]) {
  const io = memoryIo()
  const code = await runCli(argv, io)
  return { code, out: io.stdout(), err: io.stderr() }
}

describe('gauntlet attacks', () => {
  it('lists every attack in aligned columns', async () => {
    const { code, out } = await run('attacks', '--kind', 'evasion')
    const [head = '', ...rows] = out.trimEnd().split('\n')
    expect(code).toBe(0)
    // A long title goes on in the next line.
    const first = rows.filter((row) => !row.startsWith(' '))
    expect(first.map((row) => row.split(' ')[0])).toEqual(builtInAttacks.map(({ id }) => id))
    for (const [i, { title }] of builtInAttacks.entries())
      expect(title.startsWith(first[i]!.slice(head.indexOf('title')))).toBe(true)
  })

  it('lists every poison beneath them, or alone', async () => {
    const { out } = await run('attacks')
    const evasion = (await run('attacks', '--kind', 'evasion')).out.trimEnd()
    const poison = (await run('attacks', '--kind', 'poison')).out.trimEnd()
    expect(out).toBe(`${evasion}\n\n${poison}\n`)
    const first = poison
      .split('\n')
      .flatMap((row) => (row.startsWith(' ') ? [] : row.split(' ')[0]))
    expect(first).toEqual(['poison', ...builtInPoisons.map(({ id }) => id)])
    const listed = JSON.parse((await run('attacks', '--json')).out) as { id: string }[]
    expect(listed).toHaveLength(builtInAttacks.length + builtInPoisons.length)
  })

  it('says of a poison what it is after, and its parameters', async () => {
    const { out } = await run('attacks', 'badnets')
    expect(out).toMatch(/^goal +backdoor$/m)
    expect(out).toMatch(/^changes +samples of any class but the target$/m)
    expect(out).toMatch(/^size +number above 0 to 1 +0\.1 /m)
    const poisons = builtInPoisons.map(({ id }) => id)
    for (const id of poisons) {
      const shown = JSON.parse((await run('attacks', id, '--json')).out) as {
        parameters: { describe: string }[]
      }
      for (const { describe } of shown.parameters) expect(describe).not.toBe('')
    }
  })

  it('shows each parameter of each attack with type and meaning', async () => {
    for (const { id } of builtInAttacks) {
      const { out } = await run('attacks', id)
      const shown: unknown = JSON.parse((await run('attacks', id, '--json')).out)
      const { parameters } = shown as {
        parameters: { name: string; type: string; describe: string }[]
      }
      expect(parameters.length).toBeGreaterThan(0)
      for (const { name, type, describe } of parameters) {
        expect(out).toMatch(new RegExp(`^${name} +${type.replaceAll('|', '\\|')}`, 'm'))
        expect(describe).not.toBe('')
      }
    }
  })

  it('says defaults and limits', async () => {
    const { out } = await run('attacks', 'pgd')
    expect(out).toMatch(/^steps +whole number from 1 to 100000 +40 /m)
    expect(out).toMatch(/^loss +ce \| margin \| dlr +ce /m)
  })

  it('does not know others', async () => {
    const { code, err } = await run('attacks', 'pgf')
    expect(code).toBe(2)
    expect(err).toContain('GNT_ATTACK_UNKNOWN')
    expect(err).toContain('did you mean pgd?')
  })
})

describe('gauntlet suites', () => {
  it('lists every suite; counts attacks × threats', async () => {
    const { out } = await run('suites')
    for (const { id } of builtInSuites) expect(out).toContain(`\n${id} `)
    expect(out).toMatch(/^quick +9 /m)
    expect(out).toMatch(/^standard +25 /m)
  })

  it('shows what is in one', async () => {
    const { out } = await run('suites', 'standard')
    expect(out).toContain('PGD-40 (2 restarts)')
    expect(out).toContain('L∞ 8/255')
    expect(out).toContain('L2 0.5')
    expect(JSON.parse((await run('suites', 'quick', '--json')).out)).toMatchObject({ id: 'quick' })
  })

  it('does not know others', async () => {
    expect((await run('suites', 'quik')).err).toContain('did you mean quick?')
  })
})

describe('gauntlet schema', () => {
  it('prints the schema of configurations', async () => {
    expect(JSON.parse((await run('schema')).out)).toEqual(configJsonSchema())
  })
})
