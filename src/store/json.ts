import { GauntletError } from '../errors.js'

/**
 * JSON text in which NaN and the infinities survive, e.g. the bounds of an unbounded input:
 * they become `{"$number":"Infinity"}`. Keys whose value is undefined are dropped, as in all JSON.
 */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'number' && !Number.isFinite(inner) ? { $number: String(inner) } : inner,
  )
}

/** The inverse of `toJson`. The caller names the type it wrote; `what` names the value if it is damaged. */
export function fromJson<T>(text: string, what: string): T {
  try {
    return JSON.parse(text, (_key, inner: unknown) =>
      isWrittenNumber(inner) ? Number(inner.$number) : inner,
    ) as T
  } catch (cause) {
    throw new GauntletError(
      'GNT_STORE',
      { what: 'the result store is damaged', where: what, got: 'text that is not JSON' },
      { cause },
    )
  }
}

function isWrittenNumber(value: unknown): value is { $number: string } {
  return (
    value !== null &&
    typeof value === 'object' &&
    '$number' in value &&
    Object.keys(value).length === 1
  )
}
