/**
 * Numbers of a row: each side's, and how they stand to each other. A side has `runs`, one for each number of threads, and
 * `others`, of other seeds: robust accuracy and median norm are means over seeds, all else is told by the first run.
 */
export const targets = {
  /** Robust accuracy above the best peer's, in percentage points, at most. */
  accuracy: 0.5,
  /** Median least norm over the best peer's, at most. */
  norm: 1.02,
  /** Fastest peer's seconds over ours, at least; and milliseconds a gradient over ours, of Foolbox and ART. */
  speed: 5,
  step: 1.3,
}

const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length
const seedsOf = ({ runs: [first], others }) => [first, ...others]

export const robust = (side) =>
  mean(seedsOf(side).map(({ success }) => success.filter((one) => !one).length / success.length))

/** Over all samples: one without an example counts as infinitely far. */
export const medianNorm = (side) =>
  mean(seedsOf(side).map(({ distance }) => median(distance.map((one) => one ?? Infinity))))

export const perGradient = ({ seconds, gradients }) => (1000 * seconds) / gradients

/** Share of the samples with the same verdict; of least norms, with one of ours no more than 2 % farther. */
export function agreement({ runs: [own] }, { runs: [peer] }, closest) {
  const n = own.success.length
  const agrees = closest
    ? (i) => (own.distance[i] ?? Infinity) <= targets.norm * (peer.distance[i] ?? Infinity)
    : (i) => own.success[i] === peer.success[i]
  return own.success.filter((_, i) => agrees(i)).length / n
}

/** Our run that comes to the peer's verdict: where a row has shorter ones, the shortest that is as close. */
const answering = (own, { sooner }) => (sooner ? sooner.side : own)

/** How many times as fast as the fastest peer, each against our run to its verdict. */
const speedOf = (own, peers, k) =>
  Math.min(...peers.map((peer) => peer.runs[k].seconds / answering(own, peer).runs[k].seconds))

/** @returns what the row's targets are missed by, in words; empty if none is */
export function missed({ own, peers, closest, threads }) {
  const found = []
  if (peers.length === 0) return found
  const above = 100 * (robust(own) - Math.min(...peers.map(robust)))
  if (!closest && above > targets.accuracy)
    found.push(`robust accuracy ${above.toFixed(1)} pp above`)
  const ratio = medianNorm(own) / Math.min(...peers.map(medianNorm))
  if (closest && ratio > targets.norm) found.push(`norm ${(100 * (ratio - 1)).toFixed(1)} % longer`)
  threads.forEach((count, k) => {
    const speed = speedOf(own, peers, k)
    const by = `on ${count} thread${count === 1 ? '' : 's'}`
    if (speed < targets.speed) {
      // Of several threads only the sum is known: what each waited for is not.
      const most = Math.min(
        ...peers.map((peer) => peer.runs[k].seconds / answering(own, peer).runs[k].runtime),
      )
      const limit = count === 1 ? ` (${most.toFixed(1)} × were ONNX Runtime all there is)` : ''
      found.push(`${speed.toFixed(1)} × as fast as the fastest ${by}${limit}`)
    }
    for (const { tool, runs } of peers) {
      const step = perGradient(runs[k]) / perGradient(own.runs[k])
      if (['foolbox', 'art'].includes(tool) && step < targets.step)
        found.push(`a gradient ${step.toFixed(2)} × as fast as ${tool}'s ${by}`)
    }
  })
  return found
}

const found = ({ success, distance }) => JSON.stringify([success, distance])

/** What is found must not depend on the number of threads. @throws Error if ours does */
export function checkSame({ runs }, title) {
  if (runs.some((run) => found(run) !== found(runs[0])))
    throw new Error(`${title}: other results on other numbers of threads`)
}
