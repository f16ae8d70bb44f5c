import { describe, expect, it } from 'vitest'
import { mcNemarWorse } from '../../../src/stats/mcnemar.js'
import { wilson } from '../../../src/stats/proportion.js'
import { samplesForFloor, samplesForMargin } from '../../../src/stats/sample-size.js'
import { tangoNonInferiorityP } from '../../../src/stats/tango.js'

describe('samplesForFloor', () => {
  it('says the number at which the interval clears the limit, and no less', () => {
    const needed = samplesForFloor(wilson(62, 100), 0.6) ?? 0
    // 62 % above 60 %: z² · 0.62 · 0.38 / 0.02² is about 2,260.
    expect(needed).toBeGreaterThan(2200)
    expect(needed).toBeLessThan(2400)
    expect(wilson(Math.round(0.62 * needed * 1.02), Math.round(needed * 1.02)).low).toBeGreaterThan(
      0.6,
    )
    expect(wilson(Math.round(0.62 * needed * 0.95), Math.round(needed * 0.95)).low).toBeLessThan(
      0.6,
    )
  })

  it('answers for shares below the limit too', () => {
    expect(samplesForFloor(wilson(58, 100), 0.6)).toBeGreaterThan(2000)
  })

  it('has no answer on the limit or without samples', () => {
    expect(samplesForFloor(wilson(60, 100), 0.6)).toBeNull()
    expect(samplesForFloor(wilson(0, 0), 0.6)).toBeNull()
  })

  it('is the sample itself when it already suffices', () => {
    expect(samplesForFloor(wilson(99, 100), 0.6)).toBeLessThanOrEqual(100)
  })
})

describe('samplesForMargin', () => {
  it('of identical versions follows from z² / (n + z²)', () => {
    const same = { bothRight: 50, newlyBroken: 0, newlyFixed: 0, bothWrong: 10 }
    // 1.645² (1 / 0.02 − 1) = 132.6
    const needed = samplesForMargin(same, 0.02, 0.95, 1)
    expect(needed).toBe(133)
    expect(tangoNonInferiorityP({ ...same, bothRight: 123 }, 0.02)).toBeLessThan(0.05)
    expect(tangoNonInferiorityP({ ...same, bothRight: 122 }, 0.02)).toBeGreaterThan(0.05)
  })

  it('of a drop beyond the margin is where McNemar reaches significance', () => {
    const drop = { bothRight: 90, newlyBroken: 4, newlyFixed: 1, bothWrong: 5 }
    const needed = samplesForMargin(drop, 0.02, 0.95, 1) ?? 0
    expect(needed).toBeGreaterThan(100)
    expect(mcNemarWorse({ newlyBroken: 9, newlyFixed: 2 })).toBeLessThan(0.05)
    expect(needed).toBeLessThan(250)
    expect(samplesForMargin(drop, 0.02, 0.95, 20)).toBeGreaterThan(needed)
  })

  it('has no answer on the margin or without pairs', () => {
    const onIt = { bothRight: 90, newlyBroken: 3, newlyFixed: 1, bothWrong: 6 }
    expect(samplesForMargin(onIt, 0.02, 0.95, 1)).toBeNull()
    const none = { bothRight: 0, newlyBroken: 0, newlyFixed: 0, bothWrong: 0 }
    expect(samplesForMargin(none, 0.02, 0.95, 1)).toBeNull()
  })
})
