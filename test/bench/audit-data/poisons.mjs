import { createRng } from '../../../dist/src/util/rng.js'

/**
 * Labelled samples with planted poison, and which they are.
 * - `badnets-one`, `badnets-all`: a checkerboard in the lower right corner, and the target's label, on samples of one
 *   class, or of all others (Gu et al. 2017, arXiv:1708.06733)
 * - `blended-one`: a fifth of a random pattern mixed in (Chen et al. 2017, arXiv:1712.05526)
 * - `flip`: another label, at random
 * @param share - of the data set
 */
export function plant(samples, { kind, share }, seed) {
  const { count, shape, range, classes } = samples
  const size = samples.x.length / count
  const rng = createRng('planted', kind, share, seed)
  const x = samples.x.slice()
  const labels = Int32Array.from(samples.labels)
  const isPoison = new Uint8Array(count)
  const target = rng.below(classes)
  const source = (target + 1 + rng.below(classes - 1)) % classes
  const mayBe = (label) =>
    kind === 'flip' || (kind.endsWith('-one') ? label === source : label !== target)
  const eligible = shuffled(
    [...labels.keys()].filter((i) => mayBe(labels[i])),
    rng,
  )
  const pattern = Float32Array.from({ length: size }, () => rng.uniform())
  for (const i of eligible.slice(0, Math.round(share * count))) {
    isPoison[i] = 1
    labels[i] = kind === 'flip' ? (labels[i] + 1 + rng.below(classes - 1)) % classes : target
    const one = x.subarray(i * size, (i + 1) * size)
    if (kind.startsWith('badnets')) corner(one, shape, range)
    if (kind.startsWith('blended'))
      for (let p = 0; p < size; p++)
        one[p] = 0.8 * one[p] + 0.2 * (range[0] + (range[1] - range[0]) * pattern[p])
  }
  return { count, shape, range, classes, x, labels, isPoison }
}

function corner(one, [channels, height, width], [low, high]) {
  const side = height <= 8 ? 2 : 3
  for (let c = 0; c < channels; c++)
    for (let a = 0; a < side; a++)
      for (let b = 0; b < side; b++)
        one[c * height * width + (height - 1 - a) * width + (width - 1 - b)] =
          (a + b) % 2 === 0 ? high : low
}

function shuffled(list, rng) {
  for (let i = list.length - 1; i > 0; i--) {
    const j = rng.below(i + 1)
    ;[list[i], list[j]] = [list[j], list[i]]
  }
  return list
}
