import { createRng } from '../../util/rng.js'
import type { Bench, Samples } from '../bench.js'
import type { Check } from '../check.js'
import { dot, norm, percent, rivalOf, row } from '../measure.js'

/** Directions are tried until one of them agrees. */
const [samples, directions] = [24, 8]
/** Fractions of the range. A long step crosses kinks, a short one drowns in rounding: a right gradient fits one of them. */
const steps = [1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5]
/** Steps so short that what they change is rounding. */
const tiny = [2e-7, 3.1e-7, 4.3e-7]
/** Across the gradient, even one of the wrong length is right. Its Euclidean norm is the slope of an average direction. */
const leastSlope = 0.5
/** A clean picture may sit on kinks: black pixels, with no bias. */
const shake = 0.01
/** A wrong gradient is wrong nearly everywhere; a right one seems so near a kink, at up to a seventh of the points. */
const limits = { error: 1e-2, wrong: 0.2, least: 8 }
/** Rounding of a float32 logit, relative to the greatest one: at least. */
const rounding = 4e-7

interface Points extends Samples {
  readonly gradient: Float32Array
  readonly rivals: readonly number[]
}

/**
 * P9. The compiled gradient of z_rival − z_label against its central differences along random directions of ±1, the rival
 * being held: that loss has no kink of its own. A step says something only where rounding cannot make up the limit, as
 * steps too short for anything else show. It is wrong at a sample where two steps agree with each other and not with it;
 * where no two agree there are kinks, and nothing is known. Layers with a surrogate gradient are off by design, and P8's.
 * Source: Carlini et al. 2019, arXiv:1902.06705, on checking gradients numerically.
 */
export const gradientCheck: Check = {
  signal: 'P9',
  needs: ['gradient', 'determinism', 'right'],
  async run(bench) {
    if ((await bench.approximations()).length > 0) return null
    const points = await shaken(bench)
    const [right, wrong] = [new Set<number>(), new Set<number>()]
    for (let d = 0; d < directions; d++) {
      const open = Array.from({ length: points.n }, (_, i) => i).filter((i) => !right.has(i))
      const rng = createRng(bench.job.seed, 'direction', d)
      const v = Float32Array.from({ length: bench.size }, () => (rng.uniform() < 0.5 ? -1 : 1))
      const found = await slopes(bench, points, open, v)
      open.forEach((i, k) => {
        const gradient = row(points.gradient, i, bench.size)
        const verdict = compare(dot(gradient, v), found[k]!, leastSlope * norm(gradient))
        if (verdict !== null) (verdict ? right : wrong).add(i)
      })
    }
    for (const i of right) wrong.delete(i)
    const known = right.size + wrong.size
    if (known < Math.min(limits.least, points.n) || wrong.size <= limits.wrong * known) return null
    return {
      severity: 'error',
      text: `the gradient is not what central differences are, by more than 1 %, at ${wrong.size} of ${known} samples, ${percent(wrong.size / known)} (limit 20 %)`,
    }
  },
}

/** Points beside the samples, and the gradients there. */
async function shaken(bench: Bench): Promise<Points> {
  const at = await bench.right(samples)
  const { size, classes, bounds } = bench
  const reach = shake * (bounds[1] - bounds[0])
  const x = at.x.slice()
  at.ids.forEach((id, i) => {
    const rng = createRng(bench.job.seed, 'shake', id)
    for (let p = i * size; p < (i + 1) * size; p++) x[p]! += reach * (2 * rng.uniform() - 1)
  })
  const { gradient, logits } = await bench.gradients('margin', x, at.labels)
  const rivals = at.ids.map((_, i) => rivalOf(row(logits, i, classes), at.labels[i]!))
  return { ...at, x, gradient, rivals }
}

interface Slope {
  readonly numeric: number
  /** What rounding may add to it. */
  readonly blur: number
}

/** Central differences along `v` at the open points, one for each step. */
async function slopes(
  bench: Bench,
  { x, labels, rivals }: Points,
  open: readonly number[],
  v: Float32Array,
): Promise<Slope[][]> {
  const { size, classes, bounds } = bench
  const width = bounds[1] - bounds[0]
  const moved = (by: number): Promise<Float32Array> => {
    const points = new Float32Array(open.length * size)
    open.forEach((id, i) => {
      for (let p = 0; p < size; p++) points[i * size + p] = x[id * size + p]! + by * v[p]!
    })
    return bench.logits(points, open.length)
  }
  const rises = async (h: number): Promise<{ rise: number; greatest: number }[]> => {
    const [after, before] = [await moved(h), await moved(-h)]
    return open.map((id, i) => {
      const [z1, z0] = [row(after, i, classes), row(before, i, classes)]
      const [own, rival] = [labels[id]!, rivals[id]!]
      const greatest = Math.max(...z1.map(Math.abs), ...z0.map(Math.abs))
      return { rise: z1[rival]! - z1[own]! - (z0[rival]! - z0[own]!), greatest }
    })
  }
  const lost = open.map(() => 0)
  for (const step of tiny)
    for (const [i, { rise, greatest }] of (await rises(step * width)).entries())
      lost[i] = Math.max(lost[i]!, Math.abs(rise), rounding * greatest)
  const found = open.map((): Slope[] => [])
  for (const step of steps) {
    const h = step * width
    for (const [i, { rise }] of (await rises(h)).entries())
      found[i]!.push({ numeric: rise / (2 * h), blur: lost[i]! / h })
  }
  return found
}

const agree = (a: number, b: number): boolean =>
  Math.abs(a - b) < limits.error * Math.max(Math.abs(a), Math.abs(b))

/** Whether a slope is the gradient's; null where nothing is known. */
function compare(exact: number, found: readonly Slope[], leastKnown: number): boolean | null {
  const known = found.flatMap(({ numeric, blur }) => {
    const scale = Math.max(Math.abs(exact), Math.abs(numeric))
    return scale > leastKnown && blur < limits.error * scale ? [numeric] : []
  })
  if (known.some((numeric) => agree(numeric, exact))) return true
  return known.some((numeric, k) => k > 0 && agree(numeric, known[k - 1]!)) ? false : null
}
