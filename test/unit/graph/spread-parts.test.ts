import { describe, expect, it } from 'vitest'
import { crop, type PhasedKernel } from '../../../src/graph/passes/spread-parts.js'
import { floats, tensorOfOwn } from '../../../src/graph/tensor.js'

/** Four phases of two channels of one 1×2 kernel each; all values of the first and the last phase are zero. */
const values = Float32Array.from([0, 0, 0, 0, 1, 2, 3, 4, 0, 5, 0, 6, 0, 0, 0, 0])
const weight: PhasedKernel = {
  ...tensorOfOwn([8, 1, 1, 2], values),
  isZero: [true, false, false, false],
}
const term = { x: 'x', weight, name: 'w', pads: [0, 1, 0, 1] }

describe('some of the channels of a kernel', () => {
  it('are none where they are zero, known before or not', () => {
    expect(crop(term, 0, 2)).toBeNull()
    expect(crop(term, 6, 8)).toBeNull()
  })

  it('are not looked at where they are known to be zero', () => {
    const unread: PhasedKernel = {
      ...weight,
      get data(): never {
        throw new Error('read')
      },
    }
    expect(crop({ ...term, weight: unread }, 0, 2)).toBeNull()
    expect(() => crop({ ...term, weight: unread }, 0, 4)).toThrow('read')
  })

  it('keep the taps that some of them have', () => {
    const [whole, cut] = [crop(term, 2, 4)!, crop(term, 4, 6)!]
    expect([...floats(whole.kernel())]).toEqual([1, 2, 3, 4])
    expect(cut).toMatchObject({ dims: [2, 1, 1, 1], pads: [0, 0, 0, 1] })
    expect([...floats(cut.kernel())]).toEqual([5, 6])
  })
})
