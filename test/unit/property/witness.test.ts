import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { witnessText } from '../../../src/property/witness.js'

it('is what the competition reads', () => {
  const witness = { x: Float32Array.of(0.5, -1), y: Float32Array.of(3, -0, 1e-7) }
  expect(witnessText(witness)).toBe(
    'sat\n((X_0 0.5)\n(X_1 -1.0)\n(Y_0 3.0)\n(Y_1 -0.0)\n(Y_2 0.00000010000000116860974))',
  )
})

it('keeps every bit, without exponents', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const [, text = ''] = /\(X_0 ([^)]+)/.exec(
        witnessText({ x: Float32Array.of(value), y: new Float32Array() }),
      )!
      expect(text).toMatch(/^-?\d+\.\d+$/)
      expect(Number(text)).toBe(value)
    }),
  )
})
