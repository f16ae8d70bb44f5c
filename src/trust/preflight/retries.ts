import type { Bench } from '../bench.js'
import { memo, percent } from '../measure.js'

/** Another way to feed the same samples. */
interface Retry {
  /** `scale`: the wrong range (P4); `normalisation`: mean and std (P5). */
  readonly kind: 'scale' | 'normalisation'
  readonly title: string
  /** Of a value on [0, 1] in one of the channels, in the units that the model might expect. */
  readonly map: (value: number, channel: number, channels: number) => number
}

/** Means and deviations that training recipes use, on [0, 1]. */
const recipes: readonly (readonly [string, readonly number[], readonly number[]])[] = [
  ['ImageNet', [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]],
  ['CIFAR-10', [0.4914, 0.4822, 0.4465], [0.247, 0.2435, 0.2616]],
  ['CIFAR-100', [0.5071, 0.4865, 0.4409], [0.2673, 0.2564, 0.2762]],
  ['MNIST', [0.1307], [0.3081]],
  ['0.5/0.5', [0.5], [0.5]],
]

const scales: readonly Retry[] = [
  { kind: 'scale', title: 'values on 0 to 255', map: (value) => value * 255 },
  { kind: 'scale', title: 'values on 0 to 1', map: (value) => value },
  { kind: 'scale', title: 'values on 0 to 1/255', map: (value) => value / 255 },
  { kind: 'scale', title: 'values inverted', map: (value) => 1 - value },
]

const at = (list: readonly number[], channel: number): number => list[channel % list.length]!

/** `undone`: what a model would need whose own normalisation is applied a second time. */
const normalisations = recipes.flatMap(([name, mean, std]): Retry[] => {
  const means = mean.map((one) => one.toPrecision(3)).join(' ')
  const title =
    name === '0.5/0.5' ? 'mean 0.5 and std 0.5' : `mean and std of ${name} (mean ${means})`
  return [
    {
      kind: 'normalisation',
      title: `${title} applied`,
      map: (value, channel) => (value - at(mean, channel)) / at(std, channel),
    },
    {
      kind: 'normalisation',
      title: `${title} undone`,
      map: (value, channel) => value * at(std, channel) + at(mean, channel),
    },
  ]
})

export interface Better {
  readonly title: string
  readonly accuracy: number
  readonly text: string
}

/** Accuracy that another feeding must gain: at least 15 points, and three standard errors of a difference. */
export const gainLimit = (n: number): number => Math.max(0.15, 3 * Math.sqrt(0.5 / n))

/** Each feeding costs a pass over these. */
const most = 128

/** Of each bench, measured once: two checks ask. */
const tried = new WeakMap<Bench, () => Promise<Record<Retry['kind'], Better | null>>>()

/** The feeding of each kind under which the model is right far more often; null where none is. */
export function betterFeedings(bench: Bench): Promise<Record<Retry['kind'], Better | null>> {
  if (!tried.has(bench))
    tried.set(
      bench,
      memo(() => measure(bench)),
    )
  return tried.get(bench)!()
}

async function measure(bench: Bench): Promise<Record<Retry['kind'], Better | null>> {
  const best: Record<Retry['kind'], Better | null> = { scale: null, normalisation: null }
  const all = await bench.clean()
  const samples = bench.first(most)
  const accuracy = all.right.filter((i) => i < samples.n).length / samples.n
  // Not even a perfect score could gain enough.
  if (accuracy + gainLimit(samples.n) > 1) return best
  const [low, high] = bench.bounds
  const shape = bench.job.model.prepared.sampleShape
  const channels = shape.length === 3 ? shape[0]! : 1
  const area = bench.size / channels
  const retries = [...scales, ...(shape.length >= 2 ? normalisations : [])]
  for (const { kind, title, map } of retries) {
    const x = samples.x.map((value, i) => {
      const channel = Math.floor((i % bench.size) / area)
      return map((value - low) / (high - low), channel, channels)
    })
    const predictions = bench.predictions(await bench.scores(x, samples.n))
    const right = predictions.filter((prediction, i) => prediction === samples.labels[i]).length
    const reached = right / samples.n
    if (reached < accuracy + gainLimit(samples.n) || reached <= (best[kind]?.accuracy ?? 0))
      continue
    const text = `clean accuracy ${percent(accuracy)} of ${samples.n} samples as configured, ${percent(reached)} with ${title}`
    best[kind] = { title, accuracy: reached, text }
  }
  return best
}
