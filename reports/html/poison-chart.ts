import { parseHTML } from 'linkedom'
import type { PoisonCellView, PoisoningView, RunReport } from '../../src/reporter.js'
import { formatPercent, formatSharePlain, rateWholes } from '../../src/stats/format.js'
import type { Mean } from '../../src/stats/types.js'
import { readableTicks, shorten, spread, type PlotElement } from './chart.js'
import { seriesColour } from './interval.js'
import { markup, printable, trusted, type Markup } from './markup.js'

type Measure = 'attack success' | 'clean accuracy'

interface Point {
  readonly version: string
  readonly measure: Measure
  readonly rate: number
  readonly mean: Mean
}

/** Cells that share an axis: one poison, rates of one denominator. */
interface Family {
  readonly label: string
  readonly of: PoisonCellView['rate']['of']
  readonly cells: readonly PoisonCellView[]
}

/** One figure per poison: attack success and clean accuracy over the poison rate, a pair of lines per version. */
export async function poisonCharts(report: RunReport, poisoning: PoisoningView): Promise<Markup> {
  const figures: Markup[] = []
  for (const family of familiesOf(poisoning)) {
    const points = family.cells.flatMap(pointsOf)
    if (points.length > 0) figures.push(await figure(report, family, points))
  }
  return markup`<div class="charts">${figures}</div>`
}

function familiesOf({ cells }: PoisoningView): Family[] {
  const keys = [...new Set(cells.map(({ label, rate }) => JSON.stringify([label, rate.of])))]
  return keys.map((key) => {
    const [label, of] = JSON.parse(key) as [string, Family['of']]
    return {
      label,
      of,
      cells: cells.filter((cell) => cell.label === label && cell.rate.of === of),
    }
  })
}

/** The arm without the poison is the point at rate 0; each rate has trained its own, the same. */
function pointsOf({ version, rate, clean, poisoned }: PoisonCellView): Point[] {
  const at = (value: number, arm: typeof clean): Point[] =>
    arm
      ? [
          { version, measure: 'attack success', rate: value, mean: arm.attackSuccess },
          { version, measure: 'clean accuracy', rate: value, mean: arm.cleanAccuracy },
        ]
      : []
  return [...at(0, clean), ...at(rate.value, poisoned)].filter(({ mean }) => mean.trials > 0)
}

async function figure(
  report: RunReport,
  family: Family,
  points: readonly Point[],
): Promise<Markup> {
  const wide = await draw(report, family, points, { width: 600, height: 300 })
  const narrow = await draw(report, family, points, { width: 340, height: 260 })
  const confidence = formatSharePlain(points[0]?.mean.confidence ?? 0.95)
  return markup`<figure class="chart">
<figcaption>${family.label} <span class="muted">(line: attack success, with its ${confidence} interval over trials; dashed: clean accuracy; 0: without the poison)</span></figcaption>
<div class="wide">${wide}</div><div class="narrow">${narrow}</div>
</figure>`
}

async function draw(
  report: RunReport,
  family: Family,
  given: readonly Point[],
  size: { readonly width: number; readonly height: number },
): Promise<Markup> {
  const Plot = await import('@observablehq/plot')
  const { document } = parseHTML('<!doctype html><html><body></body></html>')
  const versions = [...new Set(given.map(({ version }) => version))]
  const rates = [...new Set([0, ...given.map(({ rate }) => rate)])]
  const longest = Math.max(0, ...versions.map((version) => shorten(version).length))
  const margins = {
    marginTop: 16,
    marginBottom: 44,
    marginLeft: 46,
    marginRight: 24 + longest * 7.5,
  }
  const plotHeight = size.height - margins.marginTop - margins.marginBottom
  const plotWidth = size.width - margins.marginLeft - margins.marginRight
  const line = (version: string, measure: Measure): Point[] => lineOf(given, version, measure)
  const marks = versions.flatMap((version) => {
    const stroke = seriesColour(report, version)
    const success = line(version, 'attack success')
    return [
      Plot.areaY(success, {
        x: 'rate',
        y1: ({ mean }: Point) => mean.low,
        y2: ({ mean }: Point) => mean.high,
        fill: stroke,
        fillOpacity: 0.14,
      }),
      ...(['attack success', 'clean accuracy'] as const).flatMap((measure) => [
        Plot.lineY(line(version, measure), {
          x: 'rate',
          y: ({ mean }: Point) => mean.estimate,
          stroke,
          strokeWidth: measure === 'attack success' ? 2.5 : 1.5,
          strokeDasharray: measure === 'attack success' ? 'none' : '5 4',
        }),
        Plot.dot(line(version, measure), {
          x: 'rate',
          y: ({ mean }: Point) => mean.estimate,
          fill: stroke,
          r: measure === 'attack success' ? 3.5 : 2.5,
          title: describePoint,
        }),
      ]),
    ]
  })
  const labels = spread(
    versions.flatMap((version) =>
      line(version, 'attack success')
        .slice(-1)
        .map(({ rate, mean }) => ({ version, text: shorten(version), rate, y: mean.estimate })),
    ),
    plotHeight,
  )
  const chart: PlotElement = Plot.plot({
    document,
    ...size,
    ...margins,
    className: `plot-poison-${size.width}`,
    style: { fontSize: '13px' },
    x: {
      // Rates differ by factors, and 0 must have a place.
      type: 'sqrt',
      label: `poison rate (share of ${rateWholes[family.of]})`,
      domain: [0, Math.max(...rates)],
      ticks: readableTicks(rates, plotWidth, formatSharePlain, Math.sqrt),
      tickFormat: formatSharePlain,
      labelAnchor: 'center',
      labelArrow: 'none',
      labelOffset: 40,
    },
    y: { label: null, domain: [0, 1], ticks: [0, 0.25, 0.5, 0.75, 1], tickFormat: '.0%' },
    marks: [
      Plot.gridY([0, 0.25, 0.5, 0.75, 1], { stroke: 'currentColor', strokeOpacity: 0.12 }),
      Plot.ruleY([0], { stroke: 'currentColor', strokeOpacity: 0.4 }),
      ...marks,
      Plot.text(labels, {
        x: 'rate',
        y: 'y',
        text: 'text',
        title: 'version',
        fill: ({ version }: { version: string }) => seriesColour(report, version),
        textAnchor: 'start',
        dx: 10,
        fontWeight: 700,
      }),
    ],
  }) as PlotElement
  chart.setAttribute('role', 'img')
  chart.setAttribute('aria-label', describeChart(family, given, versions))
  return trusted(printable(chart.outerHTML))
}

/** By ascending rate, each once: the arms without the poison are one point. */
function lineOf(points: readonly Point[], version: string, measure: Measure): Point[] {
  const own = points.filter((point) => point.version === version && point.measure === measure)
  return [...new Map(own.map((point) => [point.rate, point])).values()].sort(
    (a, b) => a.rate - b.rate,
  )
}

function describePoint({ version, measure, rate, mean }: Point): string {
  return `${version}, ${measure} at ${formatSharePlain(rate)}: ${formatPercent(mean.estimate)}`
}

function describeChart(
  { label, of }: Family,
  points: readonly Point[],
  versions: readonly string[],
): string {
  const lines = versions.map((version) => {
    const values = lineOf(points, version, 'attack success').map(
      ({ rate, mean }) => `${formatPercent(mean.estimate)} at ${formatSharePlain(rate)}`,
    )
    return `${version}: ${values.join(', ')}`
  })
  return `Attack success of ${label} against the share of ${rateWholes[of]}. ${lines.join('. ')}.`
}
