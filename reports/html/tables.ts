import type { Norm } from '../../src/threat/threat-model.js'
import { formatThreat } from '../text.js'
import { markup, type Markup } from './markup.js'

/** A table in a frame that scrolls sideways on its own, so that the page never does. */
export function framed(label: string, table: Markup): Markup {
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${label}">${table}</div>`
}

/** Shown by the script, and only where there are enough rows to search in. */
export function filterBox(table: string, rows: number): Markup {
  return markup`${rows > 8 && markup`<label class="filter" hidden>Show rows with <input type="search" data-filters="${table}" placeholder="e.g. pgd 4/255"></label>`}`
}

/** `PGD-40 L∞ 8/255`: threats stand under each other where there is room, below the name where not. */
export function underThreat(
  name: string,
  threat: { readonly norm?: Norm | undefined; readonly epsilon?: number | undefined },
): Markup {
  return markup`<span class="under"><span>${name}</span> <span class="muted nowrap">${formatThreat(threat)}</span></span>`
}
