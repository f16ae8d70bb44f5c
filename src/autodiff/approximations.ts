import type { Node } from '../graph/ir.js'
import { approximationPhrase } from '../util/approximation.js'

/** Where surrogates stood in for derivatives: a quantized network has hundreds of such nodes. */
export class Approximations {
  readonly #nodes = new Map<string, { surrogate: string; op: string; names: string[] }>()

  add(surrogate: string, { op, name }: Node): void {
    const key = JSON.stringify([surrogate, op])
    const names = [name, ...(this.#nodes.get(key)?.names ?? [])]
    this.#nodes.set(key, { surrogate, op, names })
  }

  /** One phrase for each surrogate and operator, in the order of the graph. */
  phrases(): string[] {
    return [...this.#nodes.values()]
      .map(({ surrogate, op, names }) => approximationPhrase(surrogate, op, names))
      .toReversed()
  }
}
