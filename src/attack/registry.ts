import { GauntletError } from '../errors.js'
import type { AttackSpec } from '../plan/task.js'
import { didYouMean } from '../util/did-you-mean.js'
import { firstProblem } from '../util/schema-problem.js'
import type { AttackPlugin } from './types.js'

/** Attacks by id. Built-ins and third parties enter through the same door: the list given here. */
export class AttackRegistry {
  readonly #plugins = new Map<string, AttackPlugin>()

  /** @throws GNT_CONFIG on two attacks of one id: the second would silently replace the first */
  constructor(plugins: readonly AttackPlugin[]) {
    for (const plugin of plugins) {
      if (this.#plugins.has(plugin.id))
        throw new GauntletError('GNT_CONFIG', {
          what: `two attacks are called ${plugin.id}`,
          fix: 'give the one of the plugin another id',
        })
      this.#plugins.set(plugin.id, plugin)
    }
  }

  get all(): readonly AttackPlugin[] {
    return [...this.#plugins.values()]
  }

  /** @throws GNT_ATTACK_UNKNOWN with the nearest name */
  get(id: string): AttackPlugin {
    const plugin = this.#plugins.get(id)
    if (plugin) return plugin
    const names = [...this.#plugins.keys()]
    const near = didYouMean(id, names)
    throw new GauntletError('GNT_ATTACK_UNKNOWN', {
      what: `no attack is called ${id}`,
      expected: `one of ${names.length} attacks`,
      fix: near ? `did you mean ${near}?` : 'see gauntlet attacks',
    })
  }

  /**
   * A checked specification with all defaults filled in.
   * @param how - how it is run: see `AttackSpec`
   * @throws GNT_ATTACK_UNKNOWN, GNT_ATTACK_PARAMS naming the parameter
   */
  specify(
    id: string,
    params: Readonly<Record<string, unknown>> = {},
    restarts?: number,
    how: Pick<AttackSpec, 'eot' | 'surrogate'> = {},
  ): AttackSpec {
    const plugin = this.get(id)
    const known = parameterNames(plugin)
    for (const name of Object.keys(params)) {
      if (known.includes(name)) continue
      const near = didYouMean(name, known)
      throw new GauntletError('GNT_ATTACK_PARAMS', {
        what: `${id} has no parameter ${name}`,
        expected: known.join(', ') || 'no parameters',
        fix: near ? `did you mean ${near}?` : `see gauntlet attacks ${id}`,
      })
    }
    const parsed = plugin.params.safeParse(params)
    if (!parsed.success) {
      const { path, ...problem } = firstProblem(plugin.params, params, parsed.error)
      throw new GauntletError('GNT_ATTACK_PARAMS', {
        ...problem,
        where: path ? `parameter ${path} of ${id}` : `parameters of ${id}`,
      })
    }
    const count = restarts ?? plugin.restarts
    if (!Number.isSafeInteger(count) || count < 1)
      throw new GauntletError('GNT_ATTACK_PARAMS', {
        what: 'wrong number of restarts',
        where: id,
        got: String(count),
        expected: 'a whole number of at least 1',
      })
    const filled = parsed.data as Record<string, unknown>
    return {
      attack: id,
      version: plugin.version,
      params: filled,
      restarts: count,
      ...(how.eot === undefined || how.eot === 1 ? {} : { eot: how.eot }),
      ...(how.surrogate === undefined ? {} : { surrogate: how.surrogate }),
      label: labelOf(plugin.label(filled), how),
    }
  }
}

/** Names of the parameters a plugin takes. */
export function parameterNames(plugin: AttackPlugin): string[] {
  return Object.keys(shapeOf(plugin))
}

/** The schemas of the parameters by name. The plugin's zod may be another copy than ours: no class of it is known here. */
export function shapeOf({
  params,
}: Pick<AttackPlugin, 'params'>): Readonly<Record<string, unknown>> {
  return 'shape' in params && typeof params.shape === 'object' ? { ...params.shape } : {}
}

function labelOf(
  label: string,
  { eot = 1, surrogate }: Pick<AttackSpec, 'eot' | 'surrogate'>,
): string {
  return [label, eot > 1 && `EoT-${eot}`, surrogate !== undefined && `from ${surrogate}`]
    .filter(Boolean)
    .join(' ')
}
