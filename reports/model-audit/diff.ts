import type { ModelDiff, WeightChange } from '../../src/audit/model/result.js'
import { markup, type Markup } from '../html/markup.js'
import { framed } from '../html/tables.js'
import { formatNumber } from '../text.js'

/** Layers added and removed, and how far each weight moved. */
export function diffSection(diff: ModelDiff): Markup {
  const lists = [
    ['Nodes added', diff.added],
    ['Nodes removed', diff.removed],
    ['Nodes changed', diff.changed],
    ['Weights added', diff.weightsAdded],
    ['Weights removed', diff.weightsRemoved],
    ['Inputs, outputs, operator sets', diff.interface],
  ] as const
  const shown = lists.filter(([, names]) => names.length > 0)
  const graph =
    shown.length === 0
      ? markup`<p>The graph is the same.</p>`
      : markup`<dl>${shown.map(([title, names]) => markup`<dt>${title} (${names.length})</dt><dd><code>${names.join(', ')}</code></dd>`)}</dl>`
  if (diff.weights.length === 0)
    return markup`${graph}<p class="muted">All ${diff.weightsSame} weights are the same.</p>`
  return markup`${graph}${framed('Weights that differ', weightTable(diff.weights, diff.weightsSame))}`
}

function weightTable(weights: readonly WeightChange[], same: number): Markup {
  return markup`<table data-sortable><caption><span>${weights.length} weights differ, ${same} are the same.</span></caption>
<thead><tr><th scope="col">Weight</th><th scope="col">Layer</th><th scope="col">Shape</th><th scope="col" class="n">relative change (L2)</th><th scope="col" class="n">greatest change</th></tr></thead>
<tbody>${weights.map((one) => markup`<tr><th scope="row">${one.name}</th><td>${one.layer} (${one.op})${one.isHead && ', the head'}</td><td>${one.shape.join(' × ')}</td><td class="n">${one.relative === null ? 'another shape or type' : `${formatNumber(100 * one.relative)} %`}</td><td class="n">${one.greatest === null ? '' : formatNumber(one.greatest)}</td></tr>`)}</tbody></table>`
}
