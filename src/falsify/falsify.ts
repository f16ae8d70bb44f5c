import { GauntletError } from '../errors.js'
import { loadProperty } from '../property/load.js'
import { regionsOf } from '../property/regions.js'
import type { Property } from '../property/vnnlib.js'
import type { Witness } from '../property/witness.js'
import { FalsifiedNetwork } from './network.js'
import { search } from './search.js'

export interface FalsifyJob {
  /** Paths of the ONNX file and of the property. */
  readonly model: string
  readonly property: string
  readonly timeoutMs: number
  readonly seed: number
}

export interface FalsifyResult {
  /** Never `unsat`: a search that finds nothing proves nothing. */
  readonly result: 'sat' | 'unknown'
  readonly witness: Witness | null
  /** From the reading of the files on. */
  readonly seconds: number
  readonly notes: readonly string[]
}

/** Networks kept open; the least recently used is closed. */
const openNetworks = 4

/** Falsifies properties one after the other; networks stay open between those of the same one. */
export class Falsifier {
  readonly #isCancelled: () => boolean
  readonly #networks = new Map<string, FalsifiedNetwork>()

  /** @param isCancelled - asked between calls of the runtime */
  constructor(isCancelled: () => boolean = () => false) {
    this.#isCancelled = isCancelled
  }

  /**
   * Searches for a point of the property's condition until the time is up.
   *
   * @throws GNT_INTERRUPTED when cancelled; GNT_FILE, GNT_PROPERTY, and what opening a network throws
   */
  async run({ model, property: path, timeoutMs, seed }: FalsifyJob): Promise<FalsifyResult> {
    const start = performance.now()
    const isOver = (): boolean => this.#isCancelled() || performance.now() - start >= timeoutMs
    const property = await loadProperty(path)
    const network = await this.#open(model)
    checkSizes(property, network, path)
    const regions = regionsOf(property, path)
    const witness = await search(network, regions, { seed, isOver })
    if (!witness && this.#isCancelled())
      throw new GauntletError('GNT_INTERRUPTED', { what: 'interrupted' })
    const notes = [...network.notes]
    if (regions.regions.length === 0) notes.push('the condition is true of no point of a box')
    if (regions.isCut)
      notes.push(`only the first ${regions.regions.length} disjuncts were searched`)
    const seconds = (performance.now() - start) / 1000
    return { result: witness ? 'sat' : 'unknown', witness, seconds, notes }
  }

  async #open(path: string): Promise<FalsifiedNetwork> {
    const known = this.#networks.get(path)
    const network = known ?? (await FalsifiedNetwork.open(path))
    // Re-inserted as the most recent.
    this.#networks.delete(path)
    this.#networks.set(path, network)
    for (const [oldest, other] of this.#networks) {
      if (this.#networks.size <= openNetworks) break
      this.#networks.delete(oldest)
      await other.close()
    }
    return network
  }

  async close(): Promise<void> {
    for (const network of this.#networks.values()) await network.close()
    this.#networks.clear()
  }
}

function checkSizes(property: Property, network: FalsifiedNetwork, path: string): void {
  for (const kind of ['inputs', 'outputs'] as const)
    if (property[kind] !== network[kind])
      throw new GauntletError('GNT_PROPERTY', {
        what: 'the property is not one of this network',
        where: `${path}; ${network.path}`,
        got: `${property[kind]} ${kind} declared`,
        expected: `${network[kind]}`,
      })
}
