import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GauntletError } from '../../../src/errors.js'
import { areAllTrue } from '../../../src/property/margin.js'
import { regionsOf } from '../../../src/property/regions.js'
import { parseVnnlib } from '../../../src/property/vnnlib.js'

const declared = `
(declare-const X_0 Real) (declare-const X_1 Real) ; two inputs
(declare-fun Y_0 () Real)
(declare-const Y_1 Real)
`
const box = '(assert (and (<= 0 X_0) (<= X_0 1) (>= X_1 -1.0) (<= X_1 (- 1))))'

/** Whether the point (0.5, −1) with these outputs is a counterexample. */
function holds(assertion: string, y: readonly [number, number]): boolean {
  const property = parseVnnlib(`${declared}${box}(assert ${assertion})`, 'p.vnnlib')
  const rows = { x: [0.5, -1], y, xFrom: 0, yFrom: 0 }
  return regionsOf(property, 'p.vnnlib').regions.some((region) => areAllTrue(region, rows))
}

describe('conditions', () => {
  const cases: readonly [string, readonly [number, number], boolean][] = [
    ['(<= Y_0 Y_1)', [1, 1], true],
    ['(< Y_0 Y_1)', [1, 1], false],
    ['(> Y_1 Y_0)', [1, 1.5], true],
    ['(>= Y_0 3.5e-1)', [0.35, 0], true],
    ['(>= Y_0 +.5)', [0.4999999, 0], false],
    ['(= Y_0 2)', [2, 0], true],
    ['(= Y_0 2)', [2.5, 0], false],
    ['(not (= Y_0 2))', [2.5, 0], true],
    ['(not (= Y_0 2))', [2, 0], false],
    ['(not (<= Y_0 Y_1))', [1, 1], false],
    ['(not (or (<= Y_0 0) (<= Y_1 0)))', [1, 1], true],
    ['(not (and (<= Y_0 0) (<= Y_1 0)))', [-1, -1], false],
    ['(=> (<= Y_0 0) (<= Y_1 0))', [-1, 1], false],
    ['(=> (<= Y_0 0) (<= Y_1 0))', [1, 1], true],
    ['(<= 0 Y_0 Y_1 3)', [1, 2], true],
    ['(<= 0 Y_0 Y_1 3)', [2, 1], false],
    ['(<= (+ Y_0 (* 2 Y_1) (- 3)) (* Y_1 -1))', [0, 1], true],
    ['(<= (- Y_0 Y_1 1) 0)', [2.5, 1], false],
    ['(>= (/ Y_0 4 2) 1)', [8, 0], true],
    ['(>= (+ Y_0 X_0) 2)', [1.5, 0], true],
    ['(>= (+ Y_0 X_0) 2)', [1.4, 0], false],
    ['(<= (- Y_0 Y_0) 0)', [5, 0], true],
    ['(<= 1 0)', [0, 0], false],
    ['(and)', [0, 0], true],
    ['(or)', [0, 0], false],
    ['true', [0, 0], true],
    ['(not true)', [0, 0], false],
    ['(or (and (<= Y_0 0) (or (<= Y_1 0) (>= Y_1 9))) (and (<= Y_0 -5)))', [-1, 9], true],
    ['(or (and (<= Y_0 0) (or (<= Y_1 0) (>= Y_1 9))) (and (<= Y_0 -5)))', [-1, 8], false],
  ]
  for (const [assertion, y, expected] of cases)
    it(`${assertion} of ${y.join(', ')}`, () => expect(holds(assertion, y)).toBe(expected))

  it('commands that say nothing are passed over', () => {
    const idle = '(set-logic QF_LRA) (set-info :source |two\nlines|)'
    const property = parseVnnlib(`${idle}${declared}${box}(check-sat)(exit)`, 'p')
    expect(property).toMatchObject({ inputs: 2, outputs: 2 })
  })
})

describe('what is no property: one line with the place', () => {
  const deep = `${'(and '.repeat(300)}(<= Y_0 0)${')'.repeat(300)}`
  const cases: Readonly<Record<string, readonly [string, RegExp]>> = {
    empty: ['', /no input is declared \(p\)/],
    'a word': ['sat', /outside of parentheses \(p:1\): got sat/],
    'another language': ['#!/bin/sh\necho', /outside of parentheses \(p:1\)/],
    'no inputs': ['(declare-const Y_0 Real)', /no input is declared/],
    'no outputs': ['(declare-const X_0 Real)', /no output is declared/],
    'a gap': ['(declare-const X_1 Real)(declare-const Y_0 Real)', /expected X_0/],
    'another name': ['(declare-const Z_0 Real)', /no such name \(p:1\): got Z_0/],
    'another type': ['\n(declare-const X_0 Int)', /no such type \(p:2\): got Int/],
    twice: ['(declare-const X_0 Real)\n(declare-const X_0 Real)', /declared twice \(p:2\)/],
    'a huge index': ['(declare-const X_99999999 Real)', /over the limit/],
    'nothing asserted': [declared, /nothing is asserted/],
    'an unknown command': [`${declared}(define-fun f () Real 1)`, /no command .*: got define-fun/],
    'an unclosed list': [`${declared}(assert (<= Y_0 0)`, /not closed \(p:5\)/],
    'a closed one too many': [`${declared}(assert (<= Y_0 0)))`, /closes nothing \(p:5\)/],
    'an open quote': [`${declared}(set-info |abc`, /does not end \(p:5\)/],
    'two conditions': [`${declared}(assert (<= Y_0 0) (<= Y_1 0))`, /one condition .*: got 2/],
    'no condition': [`${declared}(assert Y_0)`, /not a condition \(p:5\): got Y_0/],
    'an unknown word': [`${declared}(assert (xor true false))`, /not a condition .*: got xor/],
    'half a comparison': [`${declared}(assert (<= Y_0))`, /fewer than two/],
    'an undeclared variable': [`${declared}(assert (<= Y_7 0))`, /nor a declared.*: got Y_7/],
    'a wrong number': [`${declared}(assert (<= Y_0 1.2.3))`, /neither a number.*: got 1\.2\.3/],
    'hexadecimal numbers': [`${declared}(assert (<= Y_0 0x10))`, /neither a number/],
    'a number too large': [`${declared}(assert (<= Y_0 1e999))`, /beyond double/],
    'a product that overflows': [`${declared}(assert (<= (* 1e200 (* 1e200 Y_0)) 0))`, /beyond/],
    'a product of variables': [`${declared}(assert (<= (* Y_0 X_0) 0))`, /not linear \(p:5\)/],
    'a division by a variable': [`${declared}(assert (<= (/ 1 Y_0) 0))`, /not linear/],
    'a division by 0': [`${declared}(assert (<= (/ Y_0 0) 0))`, /not linear/],
    'an unknown function': [`${declared}(assert (<= (sin Y_0) 0))`, /not an expression.*: got sin/],
    'too much depth': [`${declared}(assert ${deep})`, /nested more than 200 deep/],
    'depth without end': ['('.repeat(1e6), /nested more than 200 deep/],
    'control characters': ['(assert \u001B[31m)', /got \[31m|not a condition/],
  }
  for (const [name, [text, says]] of Object.entries(cases))
    it(name, () => {
      expect(() => parseVnnlib(text, 'p')).toThrow(says)
      try {
        parseVnnlib(text, 'p')
      } catch (error) {
        expect(error).toMatchObject({ code: 'GNT_PROPERTY', exitCode: 2 })
        expect((error as Error).message).not.toMatch(/\p{Cc}/u)
      }
    })
})

it('whatever the text is, it is read or refused', () => {
  const words = ['(', '(', ')', ')', 'assert', 'and', 'or', 'not', '<=', '=', '+', '*', '/', '-']
  const more = [
    'X_0',
    'X_1',
    'Y_0',
    'Y_1',
    '1',
    '-2e3',
    '0',
    ';',
    '\n',
    '|',
    '"',
    'declare-const',
    'Real',
  ]
  const texts = fc.array(fc.constantFrom(...words, ...more), { maxLength: 60 })
  fc.assert(
    fc.property(texts, (parts) => {
      try {
        regionsOf(parseVnnlib(`${declared}${box}${parts.join(' ')}`, 'p'), 'p')
      } catch (error) {
        expect(error).toBeInstanceOf(GauntletError)
      }
    }),
    { numRuns: 2000 },
  )
})
