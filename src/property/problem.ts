import { GauntletError } from '../errors.js'

/** A property file is not what its format says. @param line - where, from 1 on */
export function propertyError(
  what: string,
  path: string,
  line: number | null,
  detail: { got?: string; expected?: string; fix?: string; cause?: unknown } = {},
): GauntletError {
  const { cause, got, ...rest } = detail
  const where = line === null ? path : `${path}:${line}`
  const shown = got === undefined ? {} : { got: printable(got) }
  return new GauntletError('GNT_PROPERTY', { what, where, ...shown, ...rest }, { cause })
}

/** Text out of an untrusted file, fit for a message: short, and no control characters. */
function printable(text: string): string {
  const clean = text.replace(/\p{Cc}+/gu, ' ').trim()
  return clean.length > 60 ? `${clean.slice(0, 57)}...` : clean
}
