import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { builtInAttacks } from '../../../attacks/index.js'
import { GauntletError } from '../../errors.js'
import { scaffolds, type ScaffoldKind } from '../scaffold/kinds.js'
import { testOf } from '../scaffold/test.js'

/** Letters, digits and single hyphens: it becomes a file, an id and part of a label. */
const namePattern = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
const longest = 40

export interface NewPlugin {
  readonly name: string
  readonly folder: string
  readonly kind: ScaffoldKind
}

/**
 * Writes an attack and its test; nothing if one of them is there already.
 * @returns the files, relative to `cwd`: the attack, its test
 */
export async function newPlugin(
  { name, folder, kind }: NewPlugin,
  cwd: string,
): Promise<[attack: string, test: string]> {
  checkName(name)
  const files = [
    { file: `${name}.ts`, text: scaffolds[kind](name) },
    { file: `${name}.test.mjs`, text: testOf(name) },
  ].map(({ file, text }) => ({ path: join(resolve(cwd, folder), file), text }))
  const shown = (path: string): string => relative(cwd, path) || path
  const taken = files.find(({ path }) => existsSync(path))
  if (taken)
    throw new GauntletError('GNT_FILE', {
      what: 'the file is there already',
      where: shown(taken.path),
      fix: 'choose another name or --folder',
    })
  for (const { path, text } of files)
    try {
      await mkdir(resolve(cwd, folder), { recursive: true })
      await writeFile(path, text, { flag: 'wx' })
    } catch (cause) {
      const got = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
      throw new GauntletError(
        'GNT_FILE',
        { what: 'the attack cannot be written', where: shown(path), got },
        { cause },
      )
    }
  const [attack, test] = files.map(({ path }) => shown(path))
  return [attack!, test!]
}

function checkName(name: string): void {
  if (!namePattern.test(name) || name.length > longest)
    throw new GauntletError('GNT_USAGE', {
      what: 'wrong name for an attack',
      got: JSON.stringify(name.slice(0, 2 * longest)),
      expected: `at most ${longest} lower-case letters, digits and hyphens, as in sign-walk`,
    })
  if (builtInAttacks.some(({ id }) => id === name))
    throw new GauntletError('GNT_USAGE', {
      what: `a built-in attack is called ${name}`,
      fix: 'choose another name',
    })
}
