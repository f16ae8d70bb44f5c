import type { Node } from '../graph/ir.js'

/** Where surrogates stood in for derivatives, in words: a quantized network has hundreds of such nodes. */
export class Approximations {
  readonly #nodes = new Map<string, string[]>()

  add(surrogate: string, node: Node): void {
    const key = `straight-through (${surrogate}) at|${node.op}`
    this.#nodes.set(key, [node.name, ...(this.#nodes.get(key) ?? [])])
  }

  /** One phrase for each surrogate and operator, in the order of the graph. */
  phrases(): string[] {
    return [...this.#nodes]
      .map(([key, names]) => {
        const [phrase, op] = key.split('|') as [string, string]
        const [first] = names
        return names.length === 1
          ? `${phrase} ${first} (${op})`
          : `${phrase} ${names.length} ${op} nodes, the first ${first}`
      })
      .toReversed()
  }
}
