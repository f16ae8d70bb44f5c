const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Milliseconds per call, over at least `leastMs`. */
export async function timeCalls(call, leastMs) {
  const start = performance.now()
  let calls = 0
  do {
    await call()
    calls++
  } while (performance.now() - start < leastMs)
  return (performance.now() - start) / calls
}

/**
 * Times two sides in turns, because machines are shared: pairs until there are `pairs`, or `longestMs` is used up and there
 * are `leastPairs`.
 * @param sides - `peer` and `own`, each a function that gives milliseconds
 * @returns medians of both, and of peer ÷ own
 */
export async function takeTurns(sides, { pairs, leastPairs, longestMs }) {
  const rows = []
  const start = performance.now()
  while (rows.length < pairs) {
    if (rows.length >= leastPairs && performance.now() - start > longestMs) break
    const found = {}
    // The one that begins changes.
    const order = rows.length % 2 === 0 ? ['peer', 'own'] : ['own', 'peer']
    for (const side of order) {
      await pause(5)
      found[side] = await sides[side]()
    }
    rows.push([found.peer, found.own, found.peer / found.own])
  }
  const [peer, own, ratio] = [0, 1, 2].map((column) => median(rows.map((row) => row[column])))
  return { peer, own, ratio, pairs: rows.length }
}
