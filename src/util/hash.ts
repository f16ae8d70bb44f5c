import { createHash } from 'node:crypto'

/** SHA-256 of bytes, as 64 hex digits. */
export function sha256(...chunks: readonly (Uint8Array | string)[]): string {
  const hash = createHash('sha256')
  for (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex')
}

/** SHA-256 of a JSON value with its keys sorted: equal values have equal digests. */
export function digestJson(value: unknown): string {
  return sha256(canonicalJson(value))
}

/** JSON with object keys in code-unit order and no white space (the core of RFC 8785). */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : inner,
  )
}
