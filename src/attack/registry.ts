import { GauntletError } from '../errors.js'
import type { AttackSpec } from '../plan/task.js'
import { didYouMean } from '../util/did-you-mean.js'
import { byId, fillParameters } from '../util/plugins.js'
import type { AttackPlugin } from './types.js'

/** Attacks by id. Built-ins and third parties enter through the same door: the list given here. */
export class AttackRegistry {
  readonly #plugins: ReadonlyMap<string, AttackPlugin>

  /** @throws GNT_CONFIG on two attacks of one id: the second would silently replace the first */
  constructor(plugins: readonly AttackPlugin[]) {
    this.#plugins = byId(plugins, 'attacks')
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
    const filled = fillParameters(plugin, params, `see gauntlet attacks ${id}`)
    const count = restarts ?? plugin.restarts
    if (!Number.isSafeInteger(count) || count < 1)
      throw new GauntletError('GNT_ATTACK_PARAMS', {
        what: 'wrong number of restarts',
        where: id,
        got: String(count),
        expected: 'a whole number of at least 1',
      })
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

function labelOf(
  label: string,
  { eot = 1, surrogate }: Pick<AttackSpec, 'eot' | 'surrogate'>,
): string {
  return [label, eot > 1 && `EoT-${eot}`, surrogate !== undefined && `from ${surrogate}`]
    .filter(Boolean)
    .join(' ')
}
