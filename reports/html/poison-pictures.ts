import type {
  PoisonCellView,
  PoisonExampleView,
  PoisoningView,
  RunReport,
} from '../../src/reporter.js'
import { formatRate } from '../../src/stats/format.js'
import { seriesColour } from './interval.js'
import { markup, trusted, type Markup } from './markup.js'
import { encodePng, imageSize } from './png.js'

/** Some poisoned samples of each poison beside what they were; undefined where none are kept. */
export async function poisonPictures(
  report: RunReport,
  { cells }: PoisoningView,
): Promise<Markup | undefined> {
  const strips: Markup[] = []
  for (const cell of cells) {
    const pairs: Markup[] = []
    for (const example of cell.examples) pairs.push(...(await pair(example)))
    if (pairs.length > 0) strips.push(strip(report, cell, pairs))
  }
  if (strips.length === 0) return undefined
  return markup`<h3>Poisoned samples <span class="muted">below what they were, of the first trial</span></h3>
<ul class="tiles">${strips}</ul>`
}

function strip(report: RunReport, cell: PoisonCellView, pairs: readonly Markup[]): Markup {
  const { version, label, rate } = cell
  return markup`<li class="tile" style="--series:${seriesColour(report, version)}"><p class="small"><i class="swatch"></i><strong>${version}</strong> ${label} <span class="muted">${formatRate(rate)}</span></p>
<div class="strip">${pairs}</div></li>`
}

async function pair({
  index,
  shape,
  label,
  poisonedLabel,
  clean,
  poisoned,
}: PoisonExampleView): Promise<Markup[]> {
  const size = imageSize(shape)
  if (!size) return []
  const picture = async (levels: string, text: string): Promise<Markup> => {
    const bytes = Buffer.from(levels, 'base64')
    const png = await encodePng(size, (i) => [bytes[i] ?? 0])
    const sharp = Math.max(size.width, size.height) <= 128
    return markup`<img${sharp && trusted(' class="pixelated"')} src="${png}" width="${size.width}" height="${size.height}" alt="Sample ${index}, ${text}">`
  }
  const classes = label === poisonedLabel ? String(label) : `${label} → ${poisonedLabel}`
  return [
    markup`<figure>${await picture(clean, `clean: class ${label}`)}${await picture(poisoned, `poisoned: class ${poisonedLabel}`)}<figcaption>${classes}</figcaption></figure>`,
  ]
}
