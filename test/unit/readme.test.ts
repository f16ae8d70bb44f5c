import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { builtInAttacks } from '../../attacks/index.js'
import { commands } from '../../src/cli/commands/index.js'
import { checkConfig } from '../../src/config/load.js'
import { exitCodes } from '../../src/cli/exit-codes.js'
import corners from '../examples/corners.js'

const root = join(import.meta.dirname, '../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const blocks = (language: string): string[] =>
  [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(
    ([, text]) => text!,
  )

it('shows the plugin that test/examples/corners.ts is', () => {
  const [, file] = /^(\/\/ .*\n)?([^]*)$/
    .exec(readFileSync(join(root, 'test/examples/corners.ts'), 'utf8'))!
    .slice(1)
  expect(blocks('ts').join('')).toContain(file!)
  expect(corners.label(corners.params.parse({}) as never)).toBe('corners-20')
  // Two attacks of one name are refused.
  expect(builtInAttacks.map(({ id }) => id)).not.toContain(corners.id)
})

it('shows configurations that are valid', () => {
  const whole = blocks('yaml').filter((yaml) => yaml.startsWith('# gauntlet.config.yaml'))
  const configs = whole.map((yaml) => checkConfig(parse(yaml), 'README.md'))
  for (const { models } of configs)
    expect(models.map(({ version }) => version)).toEqual(['v1', 'v2'])
  expect(configs.map(({ gate }) => gate?.rules.length)).toEqual([3, 4])
})

it('names only verbs and scripts that exist', () => {
  const verbs = [...readme.matchAll(/(?:npx |`)gauntlet ([a-z]+)/g)].map(([, verb]) => verb!)
  expect(verbs.length).toBeGreaterThan(10)
  const known = commands.map(({ name }) => name)
  expect(verbs.filter((verb) => !known.includes(verb))).toEqual([])
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: object
  }
  const runs = [...readme.matchAll(/npm run ([a-z:]+)/g)].map(([, name]) => name!)
  expect(runs.filter((name) => !(name in scripts))).toEqual([])
})

it('lists every exit code', () => {
  const listed = [...readme.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code))
  expect(listed).toEqual(Object.values(exitCodes).sort((a, b) => a - b))
})
