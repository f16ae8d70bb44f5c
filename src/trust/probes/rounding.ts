import type { Check } from '../check.js'
import { percent, row } from '../measure.js'
import { sharedAttack } from './shared-attack.js'

const levels = 255
const limit = 0.05
const leastFallen = 20

/** E19. Adversarial examples that only exist between the values of an 8-bit picture. */
export const rounding: Check = {
  signal: 'E19',
  needs: ['gradient', 'determinism', 'right', 'ball'],
  async run(bench) {
    const [low, high] = bench.bounds
    const step = (high - low) / levels
    const { size } = bench
    const nearest = (value: number): number => low + Math.round((value - low) / step) * step
    const isPicture = bench.job.model.prepared.sampleShape.length >= 2
    const { all, xAdv, fallen, label } = await sharedAttack(bench)
    const isOnGrid = all.x.every((value) => Math.abs(value - nearest(value)) < 0.01 * step)
    if (!isPicture || !isOnGrid || fallen.length < leastFallen) return null
    const rounded = new Float32Array(fallen.length * size)
    fallen.forEach((i, k) => rounded.set(row(xAdv, i, size).map(nearest), k * size))
    const predictions = bench.predictions(await bench.scores(rounded, fallen.length))
    const lost = fallen.filter((i, k) => predictions[k] === all.labels[i]).length
    if (lost <= limit * all.n) return null
    return {
      severity: 'note',
      where: label,
      text: `rounded to 8 bits, ${lost} of ${fallen.length} adversarial examples fool no more: ${percent(lost / all.n)} of ${all.n} samples (limit 5 %)`,
    }
  },
}
