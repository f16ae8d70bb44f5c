import type { z } from 'zod'
import { GauntletError } from '../errors.js'
import { didYouMean } from './did-you-mean.js'
import { firstProblem } from './schema-problem.js'

/**
 * Things by their id.
 * @param kind - in the plural, as messages name them
 * @throws GNT_CONFIG on two of one id: the second would silently replace the first
 */
export function byId<T extends { readonly id: string }>(
  things: readonly T[],
  kind: string,
): ReadonlyMap<string, T> {
  const found = new Map<string, T>()
  for (const thing of things) {
    if (found.has(thing.id))
      throw new GauntletError('GNT_CONFIG', {
        what: `two ${kind} are called ${thing.id}`,
        fix: 'give the one of the plugin another id',
      })
    found.set(thing.id, thing)
  }
  return found
}

/** Something of third parties that takes parameters. Its zod may be another copy than ours: no class of it is known here. */
interface Parametrised {
  readonly id: string
  readonly params: z.ZodType
}

/** The schemas of the parameters by name. */
export function shapeOf({
  params,
}: Pick<Parametrised, 'params'>): Readonly<Record<string, unknown>> {
  return 'shape' in params && typeof params.shape === 'object' ? { ...params.shape } : {}
}

/** Names of the parameters it takes. */
export const parameterNames = (plugin: Pick<Parametrised, 'params'>): string[] =>
  Object.keys(shapeOf(plugin))

/**
 * Checked parameters with all defaults filled in.
 * @param hint - what to do about a name that resembles none
 * @throws GNT_ATTACK_PARAMS naming the parameter
 */
export function fillParameters(
  plugin: Parametrised,
  given: Readonly<Record<string, unknown>>,
  hint?: string,
): Record<string, unknown> {
  const { id, params } = plugin
  const known = parameterNames(plugin)
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue
    const near = didYouMean(name, known)
    throw new GauntletError('GNT_ATTACK_PARAMS', {
      what: `${id} has no parameter ${name}`,
      expected: known.join(', ') || 'no parameters',
      fix: near ? `did you mean ${near}?` : hint,
    })
  }
  const parsed = params.safeParse(given)
  if (parsed.success) return parsed.data as Record<string, unknown>
  const { path, ...problem } = firstProblem(params, given, parsed.error)
  throw new GauntletError('GNT_ATTACK_PARAMS', {
    ...problem,
    where: path ? `parameter ${path} of ${id}` : `parameters of ${id}`,
  })
}
