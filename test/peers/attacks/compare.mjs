/** Numbers of a row: each side's, and how they stand to each other. */
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

export const robust = ({ success }) => success.filter((one) => !one).length / success.length

/** Over all samples: one without an example counts as infinitely far. */
export const medianNorm = ({ distance }) => median(distance.map((one) => one ?? Infinity))

export const perGradient = ({ seconds, gradients }) => (1000 * seconds) / gradients

/** Share of the samples with the same verdict; of least norms, with one of ours no more than 2 % farther. */
export function agreement(own, peer, closest) {
  const n = own.success.length
  const agrees = closest
    ? (i) => (own.distance[i] ?? Infinity) <= targets.norm * (peer.distance[i] ?? Infinity)
    : (i) => own.success[i] === peer.success[i]
  return own.success.filter((_, i) => agrees(i)).length / n
}

/** @returns what the row's targets are missed by, in words; empty if none is */
export function missed({ own, peers, closest }) {
  const found = []
  if (peers.length === 0) return found
  const above = 100 * (robust(own) - Math.min(...peers.map((one) => robust(one.result))))
  if (!closest && above > targets.accuracy)
    found.push(`robust accuracy ${above.toFixed(1)} pp above`)
  const ratio = medianNorm(own) / Math.min(...peers.map((one) => medianNorm(one.result)))
  if (closest && ratio > targets.norm) found.push(`norm ${(100 * (ratio - 1)).toFixed(1)} % longer`)
  const speed = Math.min(...peers.map((one) => one.result.seconds)) / own.seconds
  if (speed < targets.speed) found.push(`${speed.toFixed(1)} × as fast as the fastest`)
  for (const { tool, result } of peers) {
    const step = perGradient(result) / perGradient(own)
    if (['foolbox', 'art'].includes(tool) && step < targets.step)
      found.push(`a gradient ${step.toFixed(2)} × as fast as ${tool}'s`)
  }
  return found
}
