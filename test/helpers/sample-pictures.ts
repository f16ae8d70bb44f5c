import type { PictureView } from '../../src/reporter.js'
import { createRng } from '../../src/util/rng.js'

const size = 28

/** A ring or a bar on a gradient, 28×28 grey: enough structure to see that a picture is the right way up. */
function drawShape(kind: number): Float32Array {
  return Float32Array.from({ length: size * size }, (_, i) => {
    const [x, y] = [(i % size) - 13.5, Math.floor(i / size) - 13.5]
    const distance =
      kind % 2 === 0 ? Math.abs(Math.hypot(x, y) - 4 - kind) : Math.abs(x - y * 0.3) + kind / 8
    const ink = Math.max(0, Math.min(1, 2.2 - distance))
    return Math.max(0, Math.min(1, 0.08 + (i / (size * size)) * 0.15 + ink * 0.7))
  })
}

/** Examples whose every pixel moves by at most `epsilon`, smoothly, as a gradient attack's do. */
export function samplePictures(version: string, epsilon: number, count: number): PictureView[] {
  return Array.from({ length: count }, (_, n) => {
    const clean = drawShape(n)
    const adversarial = clean.map((value, i) => {
      const wave = Math.sin((i % size) * (0.5 + n * 0.1)) + Math.cos(Math.floor(i / size) * 0.7)
      return Math.max(
        0,
        Math.min(1, value + (Math.abs(wave) < 0.3 ? 0 : epsilon * Math.sign(wave))),
      )
    })
    return {
      version,
      label: 'PGD-40',
      norm: 'linf',
      epsilon,
      sample: 17 + n * 31,
      trueClass: String(n),
      cleanClass: String(n),
      adversarialClass: String((n + 3) % 10),
      distance: epsilon,
      shape: [1, size, size],
      range: [0, 1],
      clean,
      adversarial,
    }
  })
}

export function tabularPictures(version: string, epsilon: number, count: number): PictureView[] {
  const rng = createRng('tabular')
  return Array.from({ length: count }, (_, n) => {
    const clean = Float32Array.from({ length: 20 }, () => rng.uniform())
    return {
      version,
      label: 'PGD-40',
      norm: 'linf',
      epsilon,
      sample: n,
      trueClass: 'good',
      cleanClass: 'good',
      adversarialClass: 'bad',
      distance: epsilon,
      shape: [20],
      range: [0, 1],
      clean,
      adversarial: clean.map((value, i) =>
        i % 2 === 0 ? Math.min(1, Math.max(0, value + epsilon * (rng.uniform() * 2 - 1))) : value,
      ),
    }
  })
}
