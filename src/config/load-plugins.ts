import { existsSync } from 'node:fs'
import { isAbsolute, relative } from 'node:path'
import { z } from 'zod'
import { attackKinds, type AttackPlugin } from '../attack/types.js'
import { GauntletError } from '../errors.js'
import type { PoisonPlugin } from '../plugin.js'
import { norms } from '../threat/threat-model.js'
import { firstProblem } from '../util/schema-problem.js'
import { importUserModule, isModulePath } from './user-module.js'

const isFunction = (value: unknown): boolean => typeof value === 'function'

const parses = { safeParse: z.custom(isFunction), parse: z.custom(isFunction) }
/** What tells a schema of zod 4 or later, zod/mini included, and one of zod 3; neither need be of our copy of zod. */
const laterZod = z.object({
  ...parses,
  _zod: z.object({
    def: z.object({ type: z.string() }),
    version: z.object({ major: z.int() }),
  }),
})
const zod3 = z.object({ ...parses, _def: z.object({ typeName: z.string() }) })

/** The major version of the zod that a schema was made with; undefined if it is no schema of zod. */
function zodOf(value: unknown): number | undefined {
  const later = laterZod.safeParse(value)
  if (later.success) return later.data['_zod'].version.major
  return zod3.safeParse(value).success ? 3 : undefined
}

const shared = {
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]*$/, { error: 'lower-case letters, digits, dots and hyphens' }),
  version: z.int().min(1),
  title: z.string().min(1),
  source: z.string().min(1),
  params: z.custom((value) => zodOf(value) === 4, { error: 'a schema of zod 4' }),
  label: z.custom(isFunction, { error: 'a function' }),
}

/** What a module must hold to be an attack; the types say more. */
const attackSchema = z.looseObject({
  ...shared,
  kind: z.enum(attackKinds),
  needs: z.array(z.enum(['gradient', 'scores', 'labels'])),
  norms: z.array(z.enum(norms)).min(1),
  goals: z.array(z.enum(['untargeted', 'targeted'])).min(1),
  restarts: z.int().min(1),
  run: z.custom(isFunction, { error: 'a function' }),
})

/** And to be a poison. */
const poisonSchema = z.looseObject({
  ...shared,
  goal: z.enum(['backdoor', 'misclassification', 'targeted', 'availability']),
  labels: z.enum(['clean', 'changed']),
  from: z.enum(['any', 'source', 'target', 'notTarget']),
  needs: z.array(z.literal('surrogate')),
  poison: z.custom(isFunction, { error: 'a function' }),
})

/** What modules of third parties hold. */
export interface Plugins {
  readonly attacks: readonly AttackPlugin[]
  readonly poisons: readonly PoisonPlugin[]
}

/**
 * Loads attacks and poisons of third parties: modules whose default export is one of them or a list.
 *
 * @param paths - as `locatePlugin` gives them
 * @param cwd - what messages show paths relative to
 * @throws GauntletError GNT_CONFIG that names the module
 */
export async function loadPlugins(paths: readonly string[], cwd: string): Promise<Plugins> {
  const attacks: AttackPlugin[] = []
  const poisons: PoisonPlugin[] = []
  for (const path of paths) {
    const where = isAbsolute(path) ? relative(cwd, path) || path : path
    const value = await importPlugin(path, where)
    for (const each of Array.isArray(value) ? value : [value]) {
      if (isPoison(each)) poisons.push(each)
      else attacks.push(check(each, where))
    }
  }
  return { attacks, poisons }
}

async function importPlugin(path: string, where: string): Promise<unknown> {
  if (!isAbsolute(path))
    throw new GauntletError('GNT_CONFIG', {
      what: 'there is no such plugin package',
      where,
      expected: 'an installed npm package, or the path of a module',
      fix: `run npm install ${path} beside the configuration, or write ./${path} for a file`,
    })
  if (!isModulePath(path))
    throw new GauntletError('GNT_CONFIG', {
      what: 'not a plugin module',
      where,
      expected: 'a .ts, .mts, .js or .mjs file',
    })
  if (!existsSync(path))
    throw new GauntletError('GNT_CONFIG', {
      what: 'there is no such plugin file',
      where,
      fix: 'check the path, or write a new attack: gauntlet plugins new NAME',
    })
  try {
    return await importUserModule(path)
  } catch (cause) {
    const got = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
    throw new GauntletError(
      'GNT_CONFIG',
      { what: 'a plugin cannot be loaded', where, got },
      { cause },
    )
  }
}

function check(value: unknown, where: string): AttackPlugin {
  if (isAttack(value)) return value
  if (value === undefined)
    throw new GauntletError('GNT_CONFIG', {
      what: 'the plugin has no default export',
      where,
      expected: 'export default defineAttack({ … }) or definePoison({ … })',
    })
  const zod = typeof value === 'object' && value && 'params' in value ? zodOf(value.params) : 4
  if (zod !== undefined && zod !== 4)
    throw new GauntletError('GNT_CONFIG', {
      what: 'the parameters are of another zod',
      where: `${where}: params`,
      got: `a schema of zod ${zod}`,
      expected: 'one of zod 4',
      fix: "import { z } from 'zod', or from 'zod/v4' where zod 3.25 is installed",
    })
  const isMeantAsPoison = typeof value === 'object' && value !== null && 'poison' in value
  const schema = isMeantAsPoison ? poisonSchema : attackSchema
  const parsed = schema.safeParse(value)
  if (parsed.success) throw new Error('a value that is a plugin was not taken for one')
  const { path, ...problem } = firstProblem(schema, value, parsed.error)
  throw new GauntletError('GNT_CONFIG', { ...problem, where: path ? `${where}: ${path}` : where })
}

function isAttack(value: unknown): value is AttackPlugin {
  return attackSchema.safeParse(value).success
}

function isPoison(value: unknown): value is PoisonPlugin {
  return poisonSchema.safeParse(value).success
}
