/** What a strict reader sees of an XML document: elements with attributes and text. */
export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly XmlElement[]
  readonly text: string
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
}

/**
 * Reads the subset of XML 1.0 that reports use (no comments, CDATA or doctype) and refuses everything
 * that is not well-formed: forbidden characters, bare `<` or `&`, unknown entities, unbalanced or doubled names.
 *
 * @throws Error naming the offence
 */
export function parseXml(source: string): XmlElement {
  const forbidden = /\p{Cs}|(?=\p{Cc})[^\t\n\r]|[\uFFFE\uFFFF]/u.exec(source)
  if (forbidden) throw new Error(`character U+${forbidden[0].codePointAt(0)?.toString(16)} in XML`)
  const body = source.replace(/^<\?xml version="1.0" encoding="UTF-8"\?>\s*/, '')
  let at = 0
  const element = (): XmlElement => {
    const open = /^<([A-Za-z][\w.-]*)((?:\s+[\w.-]+="[^"<]*")*)\s*(\/?)>/.exec(body.slice(at))
    if (!open) throw new Error(`no element at ${JSON.stringify(body.slice(at, at + 40))}`)
    at += open[0].length
    const name = open[1] ?? ''
    const attributes: Record<string, string> = {}
    for (const [, key = '', value = ''] of (open[2] ?? '').matchAll(/([\w.-]+)="([^"]*)"/g)) {
      if (key in attributes) throw new Error(`attribute ${key} twice`)
      attributes[key] = unescape(value)
    }
    const children: XmlElement[] = []
    let text = ''
    if (open[3] === '/') return { name, attributes, children, text }
    for (;;) {
      const next = body.indexOf('<', at)
      if (next < 0) throw new Error(`${name} is not closed`)
      text += unescape(body.slice(at, next))
      at = next
      if (!body.startsWith('</', at)) {
        children.push(element())
        continue
      }
      if (!body.startsWith(`</${name}>`, at)) throw new Error(`${name} closed by something else`)
      at += name.length + 3
      return { name, attributes, children, text }
    }
  }
  const root = element()
  if (body.slice(at).trim() !== '') throw new Error('text after the root element')
  return root
}

function unescape(text: string): string {
  return text.replace(/&([^;]*;)?/g, (all, inner: string | undefined) => {
    const name = inner?.slice(0, -1) ?? ''
    const char = /^#\d+$/.test(name) ? String.fromCodePoint(Number(name.slice(1))) : entities[name]
    if (char === undefined) throw new Error(`bare & or unknown entity ${all}`)
    return char
  })
}

export function findAll(root: XmlElement, name: string): XmlElement[] {
  const below = root.children.flatMap((child) => findAll(child, name))
  return root.name === name ? [root, ...below] : below
}
