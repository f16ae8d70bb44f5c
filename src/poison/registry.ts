import { GauntletError } from '../errors.js'
import { didYouMean } from '../util/did-you-mean.js'
import { firstProblem } from '../util/schema-problem.js'
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
  readonly #plugins = new Map<string, PoisonPlugin>()

  /** @throws GNT_CONFIG on two poisons of one id: the second would silently replace the first */
  constructor(plugins: readonly PoisonPlugin[]) {
    for (const plugin of plugins) {
      if (this.#plugins.has(plugin.id))
        throw new GauntletError('GNT_CONFIG', {
          what: `two poisons are called ${plugin.id}`,
          fix: 'give the one of the plugin another id',
        })
      this.#plugins.set(plugin.id, plugin)
    }
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
    const known = parameterNames(plugin)
    for (const name of Object.keys(params)) {
      if (known.includes(name)) continue
      const near = didYouMean(name, known)
      throw new GauntletError('GNT_ATTACK_PARAMS', {
        what: `${id} has no parameter ${name}`,
        expected: known.join(', ') || 'no parameters',
        fix: near ? `did you mean ${near}?` : undefined,
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
    const filled = parsed.data as Record<string, unknown>
    return { poison: id, version: plugin.version, params: filled, label: plugin.label(filled) }
  }
}

/** Names of the parameters a poison takes. Its zod may be another copy than ours: no class of it is known here. */
function parameterNames({ params }: PoisonPlugin): string[] {
  return 'shape' in params && typeof params.shape === 'object'
    ? Object.keys({ ...params.shape })
    : []
}
