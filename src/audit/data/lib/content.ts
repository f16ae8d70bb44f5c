import { createHash } from 'node:crypto'
import type { AuditSource } from '../../types.js'

/** 64 bits of each sample's content; equal samples have equal keys, in whatever format they were stored. */
export interface ContentKeys {
  readonly count: number
  /** (count): the first and the second half. */
  readonly high: Uint32Array
  readonly low: Uint32Array
}

/** Cost: one pass, eight bytes a sample. Two different samples of a million share a key with a chance of 3e-8. */
export async function contentKeys(
  source: Pick<AuditSource, 'count' | 'batches'>,
  checkpoint: () => void,
): Promise<ContentKeys> {
  const high = new Uint32Array(source.count)
  const low = new Uint32Array(source.count)
  for await (const { from, x, labels } of source.batches()) {
    checkpoint()
    const width = (x.length / labels.length) * 4
    const bytes = new Uint8Array(x.buffer, x.byteOffset, x.byteLength)
    labels.forEach((_, r) => {
      const digest = createHash('sha256')
        .update(bytes.subarray(r * width, (r + 1) * width))
        .digest()
      high[from + r] = digest.readUInt32LE(0)
      low[from + r] = digest.readUInt32LE(4)
    })
  }
  return { count: source.count, high, low }
}

/** Indices of equal samples, where there are two or more, each group ascending. */
export function sameContent(keys: ContentKeys): readonly (readonly number[])[] {
  const order = orderOf(keys)
  const groups: number[][] = []
  for (let at = 0; at < order.length;) {
    const first = order[at]!
    let to = at + 1
    while (to < order.length && isEqual(keys, first, keys, order[to]!)) to++
    if (to - at > 1) groups.push(Array.from(order.subarray(at, to)))
    at = to
  }
  return groups
}

/** Indices by key, then by index. */
export function orderOf({ count, high, low }: ContentKeys): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i)
  return order.sort((a, b) => high[a]! - high[b]! || low[a]! - low[b]! || a - b)
}

export function isEqual(a: ContentKeys, i: number, b: ContentKeys, j: number): boolean {
  return a.high[i] === b.high[j] && a.low[i] === b.low[j]
}

/** Order of two keys, as `orderOf` has it. */
export function compareKeys(a: ContentKeys, i: number, b: ContentKeys, j: number): number {
  return a.high[i]! - b.high[j]! || a.low[i]! - b.low[j]!
}
