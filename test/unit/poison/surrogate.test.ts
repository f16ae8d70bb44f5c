import { describe, expect, it } from 'vitest'
import { tensorOfFloats } from '../../../src/graph/tensor.js'
import { NetworkSurrogate } from '../../../src/poison/surrogate.js'
import { createRng } from '../../../src/util/rng.js'
import { samplesOf } from '../../helpers/networks.js'
import { smallNetwork, type SmallOptions } from '../../helpers/poison-networks.js'

const image = [2, 8, 8]
const labels = [0, 2, 1]
const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0)

/**
 * Relative difference of a gradient from central differences of `f` at `x`: the median of five directions, because a max
 * pool that takes another element on the way makes the gradient of a parameter jump.
 */
async function slopeError(
  f: (x: Float32Array) => Promise<number>,
  x: Float32Array,
  gradient: Float32Array,
  step = 1e-3,
): Promise<number> {
  const length = Math.sqrt(dot(gradient, gradient))
  const errors: number[] = []
  for (let k = 0; k < 5; k++) {
    const rng = createRng('direction', k)
    // Not far from the gradient itself: there the slope is greatest over what rounding adds.
    const direction = gradient.map((g) => g / length + (0.5 * rng.normal()) / Math.sqrt(x.length))
    const at = (sign: number): Float32Array =>
      x.map((value, i) => value + sign * step * direction[i]!)
    const central = ((await f(at(1))) - (await f(at(-1)))) / (2 * step)
    errors.push(Math.abs(central - dot(gradient, direction)) / Math.abs(central))
  }
  return errors.sort((a, b) => a - b)[2]!
}

const cases: readonly (readonly [string, Partial<SmallOptions>])[] = [
  ['a table', { shape: [12] }],
  ['strided convolutions', {}],
  ['ReLU', { activation: 'Relu' }],
  ['max pooling', { down: 'MaxPool' }],
  ['overlapping max pooling', { down: 'overlapping' }],
  ['average pooling', { down: 'AveragePool' }],
  ['grouped convolutions', { group: 4 }],
  ['batch normalisation', { isNormalised: true }],
]

describe.each(cases)('surrogate with %s', (_, options) => {
  const { graph, parameters } = smallNetwork({
    shape: image,
    classes: 3,
    activation: 'Tanh',
    ...options,
  })
  const shape = options.shape ?? image
  const x = samplesOf(3, shape, 'poisons')
  const wanted = { x: samplesOf(2, shape, 'wanted'), labels: [1, 1] }

  it.each([
    ['all parameters', parameters],
    ['the head', 'head'],
  ] as const)('gradient of the alignment by %s agrees with differences', async (_name, trained) => {
    const notes: string[] = []
    const surrogate = await NetworkSurrogate.open(graph, {
      parameters: trained,
      note: (text) => notes.push(text),
    })
    const { loss, gradient } = await surrogate.alignment({ x, labels }, wanted)
    expect(loss).toBeGreaterThan(0)
    expect(loss).toBeLessThan(2)
    const f = async (at: Float32Array): Promise<number> =>
      (await surrogate.alignment({ x: at, labels }, wanted)).loss
    expect(await slopeError(f, x, gradient)).toBeLessThan(0.02)
    expect(notes).toEqual([])
    await surrogate.close()
  })

  it('gradient of features and loss agree with differences', async () => {
    const surrogate = await NetworkSurrogate.open(graph, { parameters: 'head' })
    const direction = samplesOf(3, [surrogate.featureWidth], 'direction', [-1, 1])
    const along = async (at: Float32Array): Promise<number> =>
      dot(await surrogate.features(at), direction)
    const gradient = await surrogate.featureGradient(x, direction)
    expect(await slopeError(along, x, gradient)).toBeLessThan(0.02)
    const loss = async (at: Float32Array): Promise<number> => {
      const scores = await surrogate.scores(at)
      return labels.reduce((sum, label, n) => {
        const row = Array.from(scores.subarray(3 * n, 3 * n + 3))
        return sum + Math.log(row.reduce((s, z) => s + Math.exp(z), 0)) - row[label]!
      }, 0)
    }
    const lossGradient = await surrogate.lossGradient(x, labels)
    expect(await slopeError(loss, x, lossGradient)).toBeLessThan(0.02)
    await surrogate.close()
  })
})

describe('surrogate', () => {
  const { graph, parameters } = smallNetwork({ shape: image, classes: 3 })

  it('aligns samples with themselves, whatever their number', async () => {
    const surrogate = await NetworkSurrogate.open(graph, { parameters })
    const many = samplesOf(300, image, 'many')
    const classes = Int32Array.from({ length: 300 }, (_, i) => i % 3)
    const { loss, gradient } = await surrogate.alignment(
      { x: many, labels: classes },
      { x: many, labels: classes },
    )
    expect(Math.abs(loss)).toBeLessThan(1e-6)
    expect(gradient).toHaveLength(many.length)
    await surrogate.close()
  })

  it('says so when it has only the gradient of the last layer', async () => {
    const notes: string[] = []
    const idle = { ...graph.initializers, idle: tensorOfFloats([1], [1]) }
    const surrogate = await NetworkSurrogate.open(
      { ...graph, initializers: idle },
      { parameters: [...parameters, 'idle'], note: (text) => notes.push(text) },
    )
    const head = await NetworkSurrogate.open(graph, { parameters: 'head' })
    const poisons = { x: samplesOf(3, image, 'poisons'), labels }
    const wanted = { x: samplesOf(2, image, 'wanted'), labels: [1, 1] }
    expect(await surrogate.alignment(poisons, wanted)).toEqual(
      await head.alignment(poisons, wanted),
    )
    expect(notes).toEqual([
      'poisons are aligned with the gradient of the last layer alone; of all parameters there is none: no differentiable path from the loss to the input (m/idle)',
    ])
    await surrogate.close()
    await head.close()
  })

  it('refuses a parameter that the network has not', async () => {
    await expect(NetworkSurrogate.open(graph, { parameters: ['conv9.w'] })).rejects.toThrow(
      /conv9\.w/,
    )
  })
})
