import { GauntletError } from '../src/errors.js'
import type { Reporter } from '../src/reporter.js'
import { consoleText } from './console.js'
import { csv } from './csv.js'
import { html } from './html.js'
import { json } from './json.js'
import { junit } from './junit.js'
import { markdown } from './markdown.js'

/** Every format a report can be written in. Order is the order of the CLI's help. */
export const reporters: readonly Reporter[] = [html, csv, junit, markdown, json, consoleText]

/** @throws GauntletError GNT_USAGE when no reporter has this id */
export function reporterById(id: string): Reporter {
  const reporter = reporters.find((candidate) => candidate.id === id)
  if (reporter) return reporter
  throw new GauntletError('GNT_USAGE', {
    what: 'unknown report format',
    got: JSON.stringify(id),
    expected: `one of ${reporters.map((known) => known.id).join(', ')}`,
  })
}
