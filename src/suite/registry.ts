import { GauntletError } from '../errors.js'
import { didYouMean } from '../util/did-you-mean.js'
import type { Suite } from './schema.js'

/** Suites by id. */
export class SuiteRegistry {
  readonly #suites = new Map<string, Suite>()

  /** @throws Error on two suites of one id: the second would silently replace the first */
  constructor(suites: readonly Suite[]) {
    for (const suite of suites) {
      if (this.#suites.has(suite.id)) throw new Error(`two suites are called ${suite.id}`)
      this.#suites.set(suite.id, suite)
    }
  }

  get all(): readonly Suite[] {
    return [...this.#suites.values()]
  }

  /** @throws GauntletError GNT_SUITE_UNKNOWN with the nearest name */
  get(id: string): Suite {
    const suite = this.#suites.get(id)
    if (suite) return suite
    const names = [...this.#suites.keys()]
    const near = didYouMean(id, names)
    throw new GauntletError('GNT_SUITE_UNKNOWN', {
      what: `no suite is called ${id}`,
      expected: names.join(', '),
      fix: near ? `did you mean ${near}?` : 'see gauntlet suites',
    })
  }

  /** What a configuration lists: an id, or a suite written in place. */
  resolve(suite: string | Suite): Suite {
    return typeof suite === 'string' ? this.get(suite) : suite
  }
}
