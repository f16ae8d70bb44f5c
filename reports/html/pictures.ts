import type { PictureView, RunReport } from '../../src/reporter.js'
import { formatCounted } from '../../src/stats/format.js'
import { formatNumber, formatThreat } from '../text.js'

import { markup, trusted, type Markup } from './markup.js'
import { picturePngs } from './png.js'

const picturesPerVersion = 12
const featuresShown = 8

/** Clean, adversarial and difference side by side, grouped by version. */
export async function pictureSection(report: RunReport): Promise<Markup> {
  const groups: Markup[] = []
  for (const { version } of report.versions) {
    const own = report.pictures.filter((picture) => picture.version === version)
    if (own.length > 0) groups.push(await versionGroup(version, own))
  }
  if (groups.length === 0) return markup`<p class="muted">No examples were kept in this run.</p>`
  return markup`${groups}`
}

async function versionGroup(version: string, pictures: readonly PictureView[]): Promise<Markup> {
  const tiles: Markup[] = []
  for (const picture of pictures.slice(0, picturesPerVersion)) tiles.push(await tile(picture))
  const left = pictures.length - tiles.length
  return markup`<h3>${version} <span class="muted">${formatCounted(pictures.length, 'example')} that fool it${left > 0 && `, ${tiles.length} shown`}</span></h3>
<ul class="tiles">${tiles}</ul>`
}

async function tile(picture: PictureView): Promise<Markup> {
  const { label, sample, trueClass, adversarialClass, distance } = picture
  return markup`<li class="tile">
<p class="classes"><span><small>true</small> <strong>${trueClass}</strong></span> <span aria-hidden="true" class="arrow">→</span> <span><small>predicted</small> <strong class="wrong">${adversarialClass}</strong></span></p>
${(await images(picture)) ?? changedFeatures(picture)}
<p class="muted small">${label} · ${formatThreat(picture)} · sample ${sample} · distance ${formatNumber(distance)}</p>
</li>`
}

async function images(picture: PictureView): Promise<Markup | undefined> {
  const pngs = await picturePngs(picture)
  if (!pngs) return undefined
  const { width, height, fullScale } = pngs
  const { sample, trueClass, cleanClass, adversarialClass } = picture
  const image = (source: string, alt: string, text: string) =>
    markup`<figure><img src="${source}" width="${width}" height="${height}" alt="${alt}"${pixelated(width)}><figcaption>${text}</figcaption></figure>`
  return markup`<div class="triple">
${image(pngs.clean, `Sample ${sample}, clean: class ${trueClass}, predicted ${cleanClass}`, 'clean')}
${image(pngs.adversarial, `Sample ${sample}, adversarial: predicted ${adversarialClass}`, 'adversarial')}
${image(pngs.difference, `Sample ${sample}, difference between adversarial and clean, from −${formatNumber(fullScale)} to +${formatNumber(fullScale)}`, `difference ±${scaleText(picture, fullScale)}`)}
</div>`
}

/** Small pictures keep their hard pixels when enlarged; photographs are smoothed. */
function pixelated(width: number): Markup {
  return trusted(width <= 128 ? ' class="pixelated"' : '')
}

function scaleText(picture: PictureView, fullScale: number): string {
  return picture.norm === 'linf' ? 'ε' : formatNumber(fullScale)
}

/** For inputs that are not pictures: the values that changed most, before and after. */
function changedFeatures({ clean, adversarial, shape }: PictureView): Markup {
  const changes = Array.from(clean, (before, i) => {
    const after = adversarial[i] ?? before
    return { name: positionName(i, shape), before, after, change: after - before }
  }).sort((a, b) => Math.abs(b.change) - Math.abs(a.change))
  const shown = changes.slice(0, featuresShown).filter((row) => row.change !== 0)
  const greatest = Math.abs(shown[0]?.change ?? 1)
  const changed = changes.filter((row) => row.change !== 0).length
  const bar = (change: number) => {
    const width = (Math.abs(change) / greatest) * 50
    return markup`<span class="delta" aria-hidden="true"><i class="${change < 0 ? 'down' : 'up'}" style="left:${(change < 0 ? 50 - width : 50).toFixed(1)}%;width:${width.toFixed(1)}%"></i></span>`
  }
  return markup`<table class="features"><caption class="small muted">${formatCounted(changed, 'value')} of ${clean.length} changed${changed > shown.length && `, the ${shown.length} greatest shown`}</caption>
<thead><tr><th scope="col">value</th><th scope="col" class="n">clean</th><th scope="col" class="n">adversarial</th><th scope="col">change</th></tr></thead>
<tbody>${shown.map((row) => markup`<tr><th scope="row">${row.name}</th><td class="n">${formatNumber(row.before)}</td><td class="n">${formatNumber(row.after)}</td><td>${bar(row.change)}</td></tr>`)}</tbody></table>`
}

/** `x[3]` for tables, `x[0,4,7]` for anything else: the index in C order, taken apart along the shape. */
function positionName(index: number, shape: readonly number[]): string {
  let rest = index
  const position = shape.toReversed().map((size) => {
    const at = rest % size
    rest = Math.floor(rest / size)
    return at
  })
  return `x[${position.toReversed().join(',')}]`
}
