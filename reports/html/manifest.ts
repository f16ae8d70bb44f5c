import type { RunReport } from '../../src/reporter.js'
import { markup, type Markup } from './markup.js'

/** What the run used, as a table of paths and values, and raw. */
export function manifestSection({ manifest }: RunReport): Markup {
  const rows = [...flatten(manifest, '')]
  return markup`<details><summary>${rows.length} entries: versions, digests, seeds, devices, parameters</summary>
<div class="scroll" tabindex="0" role="region" aria-label="Manifest"><table class="manifest"><caption class="hidden">Manifest of the run</caption>
<thead><tr><th scope="col">Entry</th><th scope="col">Value</th></tr></thead>
<tbody>${rows.map(([path, value]) => markup`<tr><th scope="row"><code>${path}</code></th><td><code>${value}</code></td></tr>`)}</tbody></table></div>
<details><summary>Raw JSON</summary><pre tabindex="0">${JSON.stringify(manifest, null, 2)}</pre></details></details>`
}

/** Leaves of a JSON value with their paths: `models[0].digest`. Lists of plain values stay on one line. */
function* flatten(value: unknown, path: string): Generator<[string, string]> {
  if (value === null || typeof value !== 'object') yield [path, String(value)]
  else if (Array.isArray(value)) {
    const items: readonly unknown[] = value
    if (items.every((item) => item === null || typeof item !== 'object'))
      yield [path, items.map(String).join(', ')]
    else for (const [i, item] of items.entries()) yield* flatten(item, `${path}[${i}]`)
  } else {
    for (const [key, inner] of Object.entries(value))
      yield* flatten(inner, path === '' ? key : `${path}.${key}`)
  }
}
