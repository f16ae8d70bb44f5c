import { createHash } from 'node:crypto'
import { markup, trusted, type Markup } from './markup.js'
import { script } from './script.js'

/** A sample and the ball around it. */
export const logo = trusted(
  '<svg class="logo" viewBox="0 0 24 24" width="22" height="22" aria-hidden="true"><circle cx="12" cy="12" r="10" fill="none" stroke="currentColor" stroke-width="2" stroke-dasharray="3.2 2"/><circle cx="12" cy="12" r="3.5" fill="currentColor"/></svg>',
)

export function section(id: string, title: string, body: Markup): Markup {
  return markup`<section class="card" aria-labelledby="${id}"><h2 id="${id}">${title}</h2>${body}</section>`
}

/** The script is named by its hash: were a name in the report ever to slip through as HTML, it could not run. */
export function contentPolicy(): string {
  const hash = createHash('sha256').update(script).digest('base64')
  return `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`
}
