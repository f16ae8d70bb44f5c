import { parseHTML } from 'linkedom'
import type { RunReport, VersionView } from '../../src/reporter.js'
import type { Proportion } from '../../src/stats/types.js'
import { formatEpsilon, normLabels } from '../../src/threat/threat-model.js'
import { formatPercent, formatSharePlain } from '../../src/stats/format.js'
import { epsilonsOf, familiesOf, isOf, mainThreat, type Family } from '../view.js'
import { seriesColour, seriesColours } from './interval.js'
import { markup, printable, trusted, type Markup } from './markup.js'

interface Point {
  readonly version: string
  readonly epsilon: number
  readonly share: Proportion
}

/** As many versions as there are colours have full lines; each further round of the colours has dashes of its own. */
const dashes = ['none', '7 4', '2 3', '9 3 2 3']

/** One figure per norm and constraints: robust accuracy against epsilon, a line per version with its interval as a band. */
export async function robustnessCharts(report: RunReport): Promise<Markup> {
  if (familiesOf(report).length === 0) return markup`<p class="muted">No attack ran.</p>`
  const figures: Markup[] = []
  for (const family of familiesOf(report)) figures.push(await chartFigure(report, family))
  return markup`${figures}`
}

async function chartFigure(report: RunReport, family: Family): Promise<Markup> {
  const points = report.versions.flatMap((version) => pointsOf(version, family))
  const epsilons = [0, ...epsilonsOf(report, family)]
  // Two drawings, one shown at a time: text in a shrunken drawing would be too small to read on a phone.
  const wide = await draw(report, family, points, epsilons, { width: 600, height: 330 })
  const narrow = await draw(report, family, points, epsilons, { width: 340, height: 260 })
  return markup`<figure class="chart">
<figcaption>Robust accuracy against epsilon, ${titleOf(family)} <span class="muted">(worst case over all attacks; 0 is clean accuracy; band: ${confidenceText(points)} interval)</span></figcaption>
<div class="wide">${wide}</div><div class="narrow">${narrow}</div>
<details><summary>Numbers of this chart</summary>${numbersTable(report, family, epsilons, points)}</details>
</figure>`
}

function pointsOf({ version, cleanAccuracy, worstCase }: VersionView, family: Family): Point[] {
  const attacked = worstCase.filter((row) => isOf(row, family))
  return [
    { version, epsilon: 0, share: cleanAccuracy },
    ...attacked.map((row) => ({ version, epsilon: row.epsilon, share: row.robustAccuracy })),
  ].filter((point) => point.share.trials > 0)
}

async function draw(
  report: RunReport,
  family: Family,
  points: readonly Point[],
  epsilons: readonly number[],
  size: { width: number; height: number },
): Promise<Markup> {
  const Plot = await import('@observablehq/plot')
  const { document } = parseHTML('<!doctype html><html><body></body></html>')
  const versions = report.versions.map((version) => version.version)
  const colour = new Map(versions.map((version) => [version, seriesColour(report, version)]))
  const dash = new Map(
    versions.map((v, i) => [v, dashes[Math.floor(i / seriesColours) % dashes.length]]),
  )
  const letters = size.width < 500 ? 11 : 15
  const labels = endLabels(points, versions, (version) => shorten(version, letters))
  const margins = {
    marginTop: 16,
    marginBottom: 44,
    marginLeft: 46,
    marginRight: 16 + Math.max(0, ...labels.map(({ text }) => boldWidth(text))),
  }
  const plotHeight = size.height - margins.marginTop - margins.marginBottom
  const width = size.width - margins.marginLeft - margins.marginRight
  const marks = versions.flatMap((version) => {
    const own = points.filter((point) => point.version === version)
    const x = 'epsilon'
    const stroke = colour.get(version) ?? 'currentColor'
    return [
      Plot.areaY(own, {
        x,
        y1: (point: Point) => point.share.low,
        y2: (point: Point) => point.share.high,
        fill: stroke,
        fillOpacity: 0.16,
      }),
      Plot.lineY(own, {
        x,
        y: (point: Point) => point.share.estimate,
        stroke,
        strokeWidth: 2.5,
        strokeDasharray: dash.get(version) ?? 'none',
      }),
      Plot.dot(own, {
        x,
        y: (point: Point) => point.share.estimate,
        fill: stroke,
        r: 3.5,
        title: describePoint,
      }),
    ]
  })
  const chart: PlotElement = Plot.plot({
    document,
    ...size,
    ...margins,
    className: `plot-${size.width}`,
    style: { fontSize: '13px' },
    x: {
      label: `epsilon (${titleOf(family)})`,
      domain: [0, Math.max(...epsilons)],
      ticks: readableTicks(epsilons, width),
      tickFormat: formatEpsilon,
      labelAnchor: 'center',
      labelArrow: 'none',
      labelOffset: 40,
    },
    y: { label: null, domain: [0, 1], ticks: [0, 0.25, 0.5, 0.75, 1], tickFormat: '.0%' },
    marks: [
      Plot.gridY([0, 0.25, 0.5, 0.75, 1], { stroke: 'currentColor', strokeOpacity: 0.12 }),
      Plot.ruleY([0], { stroke: 'currentColor', strokeOpacity: 0.4 }),
      Plot.ruleX(shownEpsilon(report, family), {
        stroke: 'currentColor',
        strokeOpacity: 0.45,
        strokeDasharray: '2 4',
      }),
      ...marks,
      Plot.text(spread(labels, plotHeight), {
        x: 'epsilon',
        y: 'y',
        text: 'text',
        title: 'version',
        fill: (label: { version: string }) => colour.get(label.version) ?? 'currentColor',
        textAnchor: 'start',
        dx: 10,
        fontWeight: 700,
      }),
    ],
  }) as PlotElement
  chart.setAttribute('role', 'img')
  chart.setAttribute('aria-label', describeChart(report, family, points))
  // linkedom escapes names, but lets control characters through.
  return trusted(printable(chart.outerHTML))
}

/** `L∞`, `L∞, 8-bit` */
const titleOf = ({ norm, constraints = '' }: Family): string =>
  `${normLabels[norm]}${constraints && `, ${constraints}`}`

/** Marks the epsilon of the first screen, if it belongs to this chart. */
function shownEpsilon(report: RunReport, family: Family): number[] {
  const threat = mainThreat(report)
  return threat && isOf(threat, family) ? [threat.epsilon] : []
}

/** The part of the drawn element that is used; a string with escaped text comes out of linkedom. */
export interface PlotElement {
  readonly outerHTML: string
  setAttribute(name: string, value: string): void
}

interface EndLabel {
  readonly version: string
  readonly text: string
  readonly epsilon: number
  readonly y: number
}

/** Version names at the right end of their lines. */
function endLabels(
  points: readonly Point[],
  versions: readonly string[],
  textOf: (version: string) => string,
): EndLabel[] {
  return versions
    .flatMap((version) => points.filter((point) => point.version === version).slice(-1))
    .map(({ version, epsilon, share }) => ({
      version,
      epsilon,
      text: textOf(version),
      y: share.estimate,
    }))
}

/** Pushes labels apart so that no two overlap. @param given - heights on [0, 1] */
export function spread<Label extends { y: number }>(
  given: readonly Label[],
  plotHeight: number,
): Label[] {
  const gap = 16 / plotHeight
  const labels = given.map((label) => ({ ...label })).sort((a, b) => a.y - b.y)
  labels.forEach((label, i) => {
    const below = labels[i - 1]
    if (below) label.y = Math.max(label.y, below.y + gap)
  })
  // Pushed over the top: move the pile down from there.
  let ceiling = 1
  for (const label of labels.toReversed()) {
    label.y = Math.min(label.y, ceiling)
    ceiling = label.y - gap
  }
  return labels
}

/** Drops ticks that would print over their neighbours, keeping 0 and the greatest. */
export function readableTicks(
  epsilons: readonly number[],
  widthPx: number,
  format: (value: number) => string = formatEpsilon,
  scale: (value: number) => number = (value) => value,
): number[] {
  const max = scale(Math.max(...epsilons))
  const kept: number[] = []
  for (const epsilon of [...epsilons].sort((a, b) => b - a)) {
    const room = (Math.max(format(epsilon).length, 3) + 1) * 8
    const nearest = kept.at(-1)
    const gap = nearest === undefined ? Infinity : scale(nearest) - scale(epsilon)
    if ((gap / max) * widthPx >= room) kept.push(epsilon)
  }
  return kept.includes(0) ? kept.toReversed() : [0, ...kept.toReversed().slice(1)]
}

/** Versions of one model often differ at the end of their names, so the middle goes. */
export function shorten(name: string, most = 15): string {
  const letters = [...name]
  if (letters.length <= most) return name
  const tail = Math.floor((most - 1) * 0.45)
  return `${letters.slice(0, most - 1 - tail).join('')}…${letters.slice(-tail).join('')}`
}

/** Pixels of text at 13px and weight 700 in a wide font, DejaVu Sans: no font is known, and none should be cut. */
function boldWidth(text: string): number {
  const widths = [...text].map((letter) => {
    if (/[mwMW@%]/.test(letter) || letter > '~') return 14.5
    if (/[A-Z]/.test(letter)) return 11
    return /[ijlrtf.,:;|!'_ -]/.test(letter) ? 6.8 : 9.3
  })
  return widths.reduce((sum, width) => sum + width, 0)
}

function describePoint({ version, epsilon, share }: Point): string {
  return `${version} at ${formatEpsilon(epsilon)}: ${formatPercent(share.estimate)}`
}

function describeChart(report: RunReport, family: Family, points: readonly Point[]): string {
  const lines = report.versions.map(({ version }) => {
    const own = points.filter((point) => point.version === version)
    const values = own.map(
      (p) => `${formatPercent(p.share.estimate)} at ${formatEpsilon(p.epsilon)}`,
    )
    return `${version}: ${values.join(', ')}`
  })
  return `Robust accuracy against epsilon, ${titleOf(family)}. ${lines.join('. ')}.`
}

function confidenceText(points: readonly Point[]): string {
  return formatSharePlain(points[0]?.share.confidence ?? 0.95)
}

function numbersTable(
  report: RunReport,
  family: Family,
  epsilons: readonly number[],
  points: readonly Point[],
): Markup {
  const cell = (version: string, epsilon: number): string => {
    const point = points.find((p) => p.version === version && p.epsilon === epsilon)
    return point ? formatPercent(point.share.estimate) : '–'
  }
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="Numbers of the chart"><table>
<caption class="hidden">Robust accuracy against epsilon, ${titleOf(family)}</caption>
<thead><tr><th scope="col">Version</th>${epsilons.map((epsilon) => markup`<th scope="col" class="n">${formatEpsilon(epsilon)}</th>`)}</tr></thead>
<tbody>${report.versions.map(({ version }) => markup`<tr><th scope="row">${version}</th>${epsilons.map((epsilon) => markup`<td class="n">${cell(version, epsilon)}</td>`)}</tr>`)}</tbody>
</table></div>`
}
