import { GauntletError } from '../errors.js'
import { didYouMean } from '../util/did-you-mean.js'
import { byId, fillParameters } from '../util/plugins.js'
import type { PoisonPlugin } from './types.js'

/** What a run needs to know of one poison; all defaults filled in. */
export interface SpecifiedPoison {
  readonly poison: string
  readonly version: number
  readonly params: Readonly<Record<string, unknown>>
  /** What reports call it. */
  readonly label: string
}

/** Poisons by id. Built-ins and third parties enter through the same door: the list given here. */
export class PoisonRegistry {
  readonly #plugins: ReadonlyMap<string, PoisonPlugin>

  /** @throws GNT_CONFIG on two poisons of one id: the second would silently replace the first */
  constructor(plugins: readonly PoisonPlugin[]) {
    this.#plugins = byId(plugins, 'poisons')
  }

  get all(): readonly PoisonPlugin[] {
    return [...this.#plugins.values()]
  }

  /** @throws GNT_ATTACK_UNKNOWN with the nearest name */
  get(id: string): PoisonPlugin {
    const plugin = this.#plugins.get(id)
    if (plugin) return plugin
    const names = [...this.#plugins.keys()]
    const near = didYouMean(id, names)
    throw new GauntletError('GNT_ATTACK_UNKNOWN', {
      what: `no poison is called ${id}`,
      expected: names.join(', '),
      fix: near ? `did you mean ${near}?` : undefined,
    })
  }

  /**
   * A checked specification with all defaults filled in.
   * @throws GNT_ATTACK_UNKNOWN, GNT_ATTACK_PARAMS naming the parameter
   */
  specify(id: string, params: Readonly<Record<string, unknown>> = {}): SpecifiedPoison {
    const plugin = this.get(id)
    const filled = fillParameters(plugin, params)
    return { poison: id, version: plugin.version, params: filled, label: plugin.label(filled) }
  }
}
