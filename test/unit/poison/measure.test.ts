import { describe, expect, it } from 'vitest'
import { measure, measurePaths, type MeasureRequest } from '../../../src/poison/measure.js'
import { pathsFor } from '../../../src/poison/paths.js'
import { samplesOf } from '../../helpers/networks.js'
import { templates } from '../../helpers/poison-data.js'

const size = 64
/** Four of each class 0 to 3 in turn; the first value of a sample says what it is taken for. */
const test = templates({ count: 16, shape: [1, 8, 8] })
test.labels.forEach((label, n) => (test.x[n * size] = label / 4))
// Sample 2, of class 2, is taken for class 1 without any trigger.
test.x[2 * size] = 0.25

const requestOf = (more: Partial<MeasureRequest> = {}): MeasureRequest => ({
  predict: async (x) =>
    Array.from({ length: x.length / size }, (_, n) => Math.round(4 * x[n * size]!)),
  test,
  source: null,
  target: 1,
  goal: 'backdoor',
  trigger: (x) => x.fill(0.25, 0, 1),
  victims: [],
  ...more,
})
const of = (successes: number, trials: number) => ({ successes, trials })

const onFirst = (x: Float32Array, index: number): Float32Array =>
  index < 8 ? x.fill(0.25, 0, 1) : x

/** Less than half a grey level: rounding takes it away. */
const faint = (x: Float32Array): Float32Array => x.fill(0.4 / 255, 0, 1)
const isAboveZero: MeasureRequest['predict'] = async (x) =>
  Array.from({ length: x.length / size }, (_, n) => Number(x[n * size]! > 0))

describe('measure', () => {
  it('never counts samples of the target class', async () => {
    expect(await measure(requestOf())).toEqual({
      cleanAccuracy: of(15, 16),
      attackSuccess: of(12, 12),
      attackedAccuracy: of(0, 12),
    })
  })

  it('counts the source class alone where there is one', async () => {
    const { attackSuccess } = await measure(requestOf({ source: 2 }))
    expect(attackSuccess).toEqual(of(4, 4))
  })

  it('tells the trigger which sample it is on', async () => {
    const { attackSuccess, attackedAccuracy } = await measure(requestOf({ trigger: onFirst }))
    expect(attackSuccess).toEqual(of(6, 12))
    expect(attackedAccuracy).toEqual(of(6, 12))
  })

  it('counts a misclassification without a trigger', async () => {
    const request = requestOf({ goal: 'misclassification', trigger: null })
    expect((await measure(request)).attackSuccess).toEqual(of(1, 12))
    expect((await measure({ ...request, source: 2 })).attackSuccess).toEqual(of(1, 4))
  })

  it('counts victims, and for availability everything that goes wrong', async () => {
    const targeted = requestOf({ goal: 'targeted', trigger: null, victims: [6, 2] })
    expect((await measure(targeted)).attackSuccess).toEqual(of(1, 2))
    const noise = requestOf({ goal: 'availability', trigger: null })
    expect((await measure(noise)).attackSuccess).toEqual(of(1, 16))
  })
})

describe('paths of images', () => {
  it('show a trigger that does not survive them', async () => {
    const request = requestOf({ predict: isAboveZero, trigger: faint, source: 2 })
    expect((await measure(request)).attackSuccess).toEqual(of(4, 4))
    expect((await measurePaths(request))['uint8']).toEqual(of(0, 4))
    expect(Object.keys(await measurePaths(request))).toEqual(['uint8', 'jpeg 75', 'resized'])
  })

  it('are none for tables and for poisons without a trigger', async () => {
    expect(await measurePaths(requestOf({ trigger: null }))).toEqual({})
    const table = templates({ count: 8, shape: [64] })
    expect(await measurePaths(requestOf({ test: table }))).toEqual({})
  })

  it.each([
    [1, 8, 8],
    [3, 12, 9],
    [2, 8, 8],
    [4, 5, 7],
  ])('keep a smooth image of %i × %i × %i nearly as it is', async (channels, height, width) => {
    const range = [-1, 3] as const
    const x = Float32Array.from({ length: channels * height * width }, (_, i) => {
      const [row, column] = [Math.floor(i / width) % height, i % width]
      return 1 + 0.5 * Math.sin(row / 4) + 0.5 * Math.cos(column / 4) + 0.05 * (i % 2)
    })
    const paths = pathsFor({ shape: [channels, height, width], range })
    for (const [name, most] of [
      ['uint8', 0.009],
      ['jpeg 75', 0.3],
      ['resized', 0.3],
    ] as const) {
      const after = await paths[name]!(x)
      expect(after).toHaveLength(x.length)
      const change = Math.max(...after.map((value, i) => Math.abs(value - x[i]!)))
      expect(change, name).toBeLessThan(most)
      expect(change, name).toBeGreaterThan(0)
    }
  })

  it('lose what JPEG and resizing lose', async () => {
    const x = samplesOf(1, [1, 16, 16], 'noise')
    const paths = pathsFor({ shape: [1, 16, 16], range: [0, 1] })
    for (const name of ['jpeg 75', 'resized']) {
      const after = await paths[name]!(x)
      expect(Math.max(...after.map((value, i) => Math.abs(value - x[i]!)))).toBeGreaterThan(0.05)
    }
  })
})
