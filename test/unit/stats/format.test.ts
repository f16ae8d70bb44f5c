import { describe, expect, it } from 'vitest'
import {
  formatCount,
  formatCounted,
  formatP,
  formatPercent,
  formatPoints,
  formatPointsInterval,
  formatPointsPlain,
  formatRoughCount,
  formatShareInterval,
  formatSharePlain,
} from '../../../src/stats/format.js'

describe('formatPercent', () => {
  it.each([
    [0.613, '61.3 %'],
    [0, '0.0 %'],
    [1, '100.0 %'],
    [0.5, '50.0 %'],
    [0.9996, '99.96 %'],
    [0.0004, '0.04 %'],
    [0.000001, '0.0001 %'],
    [0.07, '7.0 %'],
    [Number.NaN, 'n/a'],
  ])('%d is %s', (share, text) => {
    expect(formatPercent(share)).toBe(text)
  })

  it('never looks equal to a limit that it misses', () => {
    expect(formatPercent(0.59991, 0.6)).toBe('59.99 %')
    expect(formatPercent(0.599, 0.6)).toBe('59.9 %')
    expect(formatPercent(0.6, 0.6)).toBe('60.0 %')
  })
})

describe('formatPoints', () => {
  it.each([
    [-0.488, '−48.8 pp'],
    [0.003, '+0.3 pp'],
    [0, '0.0 pp'],
    [-0, '0.0 pp'],
    [-0.0002, '−0.02 pp'],
    [-1, '−100.0 pp'],
    [Number.NaN, 'n/a'],
  ])('%d is %s', (difference, text) => {
    expect(formatPoints(difference)).toBe(text)
  })

  it('never looks equal to a limit that it misses', () => {
    expect(formatPoints(-0.02004, -0.02)).toBe('−2.004 pp')
  })
})

it.each([
  [formatSharePlain(0.6), '60 %'],
  [formatSharePlain(0.025), '2.5 %'],
  [formatSharePlain(0.07), '7 %'],
  [formatPointsPlain(0.02), '2 pp'],
  [formatPointsPlain(0), '0 pp'],
  [formatShareInterval({ low: 0.582, high: 0.643, confidence: 0.95 }), '95 % CI 58.2 to 64.3'],
  [
    formatShareInterval({ low: 0.59999, high: 0.643, confidence: 0.9 }, 0.6),
    '90 % CI 59.999 to 64.3',
  ],
  [formatPointsInterval({ low: -0.531, high: -0.444, confidence: 0.95 }), '95 % CI −53.1 to −44.4'],
  [formatPointsInterval({ low: -0.011, high: 0.003, confidence: 0.95 }), '95 % CI −1.1 to +0.3'],
])('%s', (got, want) => {
  expect(got).toBe(want)
})

describe('formatP', () => {
  it.each([
    [0.012, 'p = 0.012'],
    [0.05, 'p = 0.050'],
    [0.00031, 'p = 3.1e-4'],
    [3.14e-5, 'p = 3.1e-5'],
    [9e-7, 'p < 1e-6'],
    [0, 'p < 1e-6'],
    [0.9995, 'p > 0.999'],
    [1, 'p = 1'],
    [Number.NaN, 'p n/a'],
  ])('%d is %s', (p, text) => {
    expect(formatP(p)).toBe(text)
  })
})

describe('counts', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [12_345_678, '12,345,678'],
    [-4200, '−4,200'],
  ])('%d is %s', (count, text) => {
    expect(formatCount(count)).toBe(text)
  })

  it('know one from many', () => {
    expect(formatCounted(1, 'sample')).toBe('1 sample')
    expect(formatCounted(0, 'sample')).toBe('0 samples')
    expect(formatCounted(2, 'query', 'queries')).toBe('2 queries')
  })

  it.each([
    [7, '7'],
    [42, '42'],
    [1234, '1,300'],
    [1000, '1,000'],
    [987_654, '990,000'],
  ])('%d is about %s', (count, text) => {
    expect(formatRoughCount(count)).toBe(text)
  })
})
