import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { roundInward } from '../../../src/property/box.js'
import { disjunctsOf } from '../../../src/property/dnf.js'
import type { Formula } from '../../../src/property/linear.js'
import { regionsOf } from '../../../src/property/regions.js'
import { parseVnnlib } from '../../../src/property/vnnlib.js'

const declared = '(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)'
const regions = (text: string) => regionsOf(parseVnnlib(declared + text, 'p'), 'p')
const unit = '(assert (and (<= 0 X_0) (<= X_0 1) (<= 0 X_1) (<= X_1 1)))'
const bounds = (of: { lower: Float32Array; upper: Float32Array }) => [[...of.lower], [...of.upper]]

/** The box of one input. */
const one = (low: number, high: number) => {
  const { lower, upper } = roundInward({
    lower: Float64Array.of(low),
    upper: Float64Array.of(high),
  })
  return [lower[0]!, upper[0]!] as const
}

describe('disjuncts', () => {
  /** Formulas over the propositions 0 … 3, each an atom `Y_i ≤ 0`. */
  const formulas = fc.letrec<{ formula: Formula; atom: Formula; list: Formula }>((tie) => ({
    formula: fc.oneof({ maxDepth: 4 }, tie('atom'), tie('list')),
    atom: fc.nat(3).map((index): Formula => {
      const y = { indices: [index], weights: [1] }
      return {
        kind: 'atom',
        atom: { x: { indices: [], weights: [] }, y, bound: 0, isStrict: false },
      }
    }),
    list: fc
      .tuple(
        fc.constantFrom('and' as const, 'or' as const),
        fc.array(tie('formula'), { maxLength: 3 }),
      )
      .map(([kind, parts]): Formula => ({ kind, parts })),
  })).formula

  const isTrue = (formula: Formula, truth: readonly boolean[]): boolean =>
    formula.kind === 'atom'
      ? truth[formula.atom.y.indices[0]!]!
      : formula.kind === 'and'
        ? formula.parts.every((part) => isTrue(part, truth))
        : formula.parts.some((part) => isTrue(part, truth))

  it('are true together where the formula is', () => {
    fc.assert(
      fc.property(
        formulas,
        fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
        (formula, truth) => {
          const disjuncts = [...disjunctsOf([formula])]
          const some = disjuncts.some((atoms) => atoms.every(({ y }) => truth[y.indices[0]!]))
          expect(some).toBe(isTrue(formula, truth))
        },
      ),
    )
  })

  it('are made lazily, up to a bound', () => {
    const choice = '(assert (or (<= Y_0 0) (>= Y_0 1) (<= X_0 Y_0)))'
    const { regions: made, isCut } = regions(unit + choice.repeat(60))
    expect(made).toHaveLength(4096)
    expect(isCut).toBe(true)
    expect(made[0]!.atoms).toHaveLength(60)
  })

  it('a great many choices are no deeper recursion', () => {
    const { regions: made } = regions(unit + '(assert (or (<= Y_0 0) (>= Y_0 1)))'.repeat(20_000))
    expect(made.length).toBeGreaterThan(100)
  })
})

describe('boxes', () => {
  it('are shared where they are the same', () => {
    const { regions: made } = regions(
      `${unit}(assert (or (<= X_0 0.5) (>= X_0 0.75) (>= Y_0 3)))(assert (or (<= Y_0 0) (>= Y_0 1)))`,
    )
    expect(made).toHaveLength(6)
    expect(new Set(made.map(({ box }) => box)).size).toBe(3)
    expect(bounds(made[0]!.box)).toEqual([
      [0, 0],
      [0.5, 1],
    ])
    expect(made[0]!.atoms).toHaveLength(1)
  })

  it('may be given by disjunctions alone', () => {
    const { regions: made } = regions(`(assert (or
      (and (<= 0 X_0) (<= X_0 1) (= X_1 2) (<= Y_0 0))
      (and (<= 3 (* 2 X_0)) (<= (- X_0) -1) (<= X_0 4) (= X_1 5) (>= Y_0 0))))`)
    expect(made.map(({ box }) => bounds(box))).toEqual([
      [
        [0, 2],
        [1, 2],
      ],
      [
        [1.5, 5],
        [4, 5],
      ],
    ])
  })

  it('without a point are left out', () => {
    const { regions: made } = regions(
      `${unit}(assert (or (<= X_0 -1) (>= X_0 2) (< X_0 0) (<= X_0 0)))`,
    )
    expect(made).toHaveLength(1)
    expect(regions(`${unit}(assert (>= X_0 2))`).regions).toEqual([])
  })

  it('strict bounds leave the bound out', () => {
    const { regions: made } = regions(`${unit}(assert (and (< X_0 1) (> X_1 0)))`)
    expect(bounds(made[0]!.box)).toEqual([
      [0, 2 ** -149],
      [1 - 2 ** -24, 1],
    ])
  })

  it('conditions on several inputs are atoms, not bounds', () => {
    const { regions: made } = regions(`${unit}(assert (<= (+ X_0 X_1) 1))`)
    expect(made[0]!.atoms[0]).toMatchObject({ x: { indices: [0, 1], weights: [1, 1] }, bound: 1 })
  })

  it('an input without a bound is refused', () => {
    const half = '(assert (and (<= 0 X_0) (<= X_0 1) (<= 0 X_1)))'
    expect(() => regions(half)).toThrow(/an input has no upper bound \(p\): got X_1/)
  })

  describe('rounded inward to float32', () => {
    const finite = fc.double({ min: -1e30, max: 1e30, noNaN: true })
    it('never leave the bounds, and no float32 is lost', () => {
      fc.assert(
        fc.property(finite, finite, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, t) => {
          const [low, high] = [Math.min(a, b), Math.max(a, b)]
          const [lower, upper] = one(low, high)
          expect(lower).toBeLessThanOrEqual(upper)
          const inner = Math.fround(low + (high - low) * t)
          if (inner < low || inner > high) return
          expect(lower).toBeGreaterThanOrEqual(low)
          expect(upper).toBeLessThanOrEqual(high)
          expect(inner).toBeGreaterThanOrEqual(lower)
          expect(inner).toBeLessThanOrEqual(upper)
        }),
      )
    })

    it('are the nearest float32 where there is none within', () => {
      expect(one(0.1, 0.1)).toEqual([Math.fround(0.1), Math.fround(0.1)])
      expect(one(0.3, 0.3)).toEqual([Math.fround(0.3), Math.fround(0.3)])
      expect(one(1e-60, 2e-60)).toEqual([0, 0])
      expect(one(-2e-60, -1e-60).map(Math.abs)).toEqual([0, 0])
    })

    it('keep bounds that are float32', () => {
      expect(one(-0.5, 0.25)).toEqual([-0.5, 0.25])
      expect(one(0.1, 0.2)).toEqual([Math.fround(0.1), 0.19999998807907104])
    })
  })
})
