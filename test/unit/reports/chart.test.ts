import { parseHTML } from 'linkedom'
import { describe, expect, it } from 'vitest'
import { robustnessCharts } from '../../../reports/html/chart.js'
import { seriesColours } from '../../../reports/html/interval.js'
import { style } from '../../../reports/html/style.js'
import { manyVersionsReport } from '../../helpers/sample-report.js'

describe('the chart of many versions', () => {
  it('leaves room for the names at the ends of the lines', async () => {
    const { document } = parseHTML(`<body>${(await robustnessCharts(manyVersionsReport())).html}`)
    const drawings = [...document.querySelectorAll('figure svg')].filter(({ classList }) =>
      [...classList].some((name) => name.startsWith('plot-')),
    )
    expect(drawings).toHaveLength(2)
    for (const svg of drawings) {
      const width = Number(svg.getAttribute('width'))
      const texts = [...svg.querySelectorAll('[text-anchor="start"] text')]
      expect(texts).toHaveLength(12)
      for (const text of texts) {
        const [x] = /[\d.]+/.exec(text.getAttribute('transform')!)!
        // In the widest of the usual fonts: DejaVu Sans Bold at 13px, W 14.3, m 13.5, digits 9, dash 5.4.
        const letters = [...text.firstChild!.textContent!]
        const wide = letters.filter((letter) => /[WMmw…]/.test(letter)).length
        const least = wide * 13 + (letters.length - wide) * 6
        expect(Number(x) + 10 + least).toBeLessThan(width)
        expect(Number(x)).toBeGreaterThan(width / 3)
      }
    }
  })

  it('draws no two versions alike', async () => {
    const html = (await robustnessCharts(manyVersionsReport())).html
    const { document } = parseHTML(`<body>${html}`)
    const svg = document.querySelector('svg.plot-600')!
    const looks = [...svg.querySelectorAll('[aria-label="line"]')].map((line) =>
      ['stroke', 'stroke-dasharray'].map((name) => line.getAttribute(name)).join(' '),
    )
    expect(looks).toHaveLength(12)
    expect(new Set(looks).size).toBe(12)
  })
})

describe.each(['light', 'dark'] as const)('series colours, %s', (theme) => {
  const [light, dark] = style.split('@media (prefers-color-scheme:dark)') as [string, string]
  const text = theme === 'light' ? light : dark
  const colours = [...text.matchAll(/--series-\d+:(#[0-9a-f]{6})/g)].map(([, hex]) => hex!)
  const card = /--card:(#[0-9a-f]{3,6})/.exec(text)![1]!

  it('are as many as there are numbers', () => {
    expect(colours.slice(0, seriesColours)).toHaveLength(seriesColours)
  })

  it('can be read against the card (WCAG, 4.5:1)', () => {
    for (const colour of colours) {
      const [high, low] = [luminance(colour), luminance(card)].sort((a, b) => b - a) as [
        number,
        number,
      ]
      expect((high + 0.05) / (low + 0.05), colour).toBeGreaterThanOrEqual(4.5)
    }
  })

  it('keep apart from each other (ΔE of CIELAB)', () => {
    colours.forEach((one, i) => {
      for (const other of colours.slice(i + 1)) {
        const apart = Math.hypot(...labOf(one).map((value, k) => value - labOf(other)[k]!))
        expect(apart, `${one} ${other}`).toBeGreaterThan(20)
      }
    })
  })
})

function linear(hex: string): number[] {
  const long = hex.length === 4 ? hex.slice(1).replace(/./g, '$&$&') : hex.slice(1)
  return [0, 2, 4].map((at) => {
    const value = parseInt(long.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  })
}

function luminance(hex: string): number {
  const [r, g, b] = linear(hex) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

/** D65. */
function labOf(hex: string): number[] {
  const [r, g, b] = linear(hex) as [number, number, number]
  const xyz = [
    (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
    0.2126 * r + 0.7152 * g + 0.0722 * b,
    (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
  ].map((t) => (t > (6 / 29) ** 3 ? Math.cbrt(t) : t / (3 * (6 / 29) ** 2) + 4 / 29)) as [
    number,
    number,
    number,
  ]
  const [x, y, z] = xyz
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)]
}
