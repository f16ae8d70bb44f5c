/** Where a surrogate stands for a derivative, in words: a note that goes with the results. */

/** `straight-through (clipped identity) at 53 QuantizeLinear nodes, the first /q` */
export function approximationPhrase(
  surrogate: string,
  op: string,
  nodes: readonly string[],
): string {
  const where =
    nodes.length === 1
      ? `${nodes[0]} (${op})`
      : `${nodes.length} ${op} nodes, the first ${nodes[0]}`
  return `straight-through (${surrogate}) at ${where}`
}

const pattern = /^straight-through \(.*?\) at (?:(\d+) (\S+) nodes, the first .*|.* \((\S+)\))$/

export const isApproximation = (note: string): boolean => pattern.test(note)

/** `straight-through at 53 QuantizeLinear, 12 QLinearConv`, or nothing when nothing was approximated. */
export function shortApproximations(notes: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const note of notes) {
    const [, count, many, one] = pattern.exec(note) ?? []
    const op = many ?? one
    if (op !== undefined) counts.set(op, (counts.get(op) ?? 0) + Number(count ?? 1))
  }
  const parts = [...counts].sort((a, b) => b[1] - a[1]).map(([op, count]) => `${count} ${op}`)
  const shown = parts.slice(0, mostShown)
  const left = parts.length - shown.length
  const more = left > 0 ? [`${left} more kinds of node`] : []
  return parts.length === 0 ? '' : `straight-through at ${[...shown, ...more].join(', ')}`
}

const mostShown = 6
