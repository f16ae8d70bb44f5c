/** Text that is HTML already. Only `markup` and `trusted` make it, so the rest is escaped. */
export interface Markup {
  readonly html: string
}

type Part = Markup | string | number | undefined | false | readonly Part[]

/**
 * Template tag for HTML: every inserted string or number is escaped, for text and for quoted
 * attributes alike; markup goes in as it is, lists are joined, undefined and false leave nothing.
 */
export function markup(parts: TemplateStringsArray, ...values: readonly Part[]): Markup {
  return { html: parts.reduce((out, text, i) => out + render(values[i - 1]) + text) }
}

/** Marks text as HTML without escaping. Only for text this program wrote itself. */
export function trusted(html: string): Markup {
  return { html }
}

function render(part: Part): string {
  if (part === undefined || part === false) return ''
  if (typeof part === 'string' || typeof part === 'number') return escapeHtml(String(part))
  return 'html' in part ? part.html : part.map(render).join('')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;', '`': '&#96;',
} // prettier-ignore

function escapeHtml(text: string): string {
  return printable(text).replace(/[&<>"'`]/g, (char) => entities[char] ?? char)
}

/** Control characters and lone surrogates are not allowed in HTML: they become U+FFFD. */
export function printable(text: string): string {
  return text.replace(/\p{Cs}|[^\P{Cc}\t\n\r]/gu, '\uFFFD')
}
