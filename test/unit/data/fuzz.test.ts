import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { loadDataset } from '../../../src/data/load.js'
import { encodeNpy, writeNpz } from '../../../src/data/npz-write.js'
import { GauntletError } from '../../../src/errors.js'
import type { Rng } from '../../../src/util/rng.js'
import { createRng } from '../../../src/util/rng.js'
import { idxBytes, ramp, tempFolder } from './build.js'

const folder = tempFolder()
const x = { shape: [3, 2, 2], data: ramp(12) }
const y = { shape: [3], data: new Int32Array([0, 1, 2]) }
const labels = folder.write('labels.npy', encodeNpy(y))
const idx = idxBytes(8, x.shape, x.data)

const seeds: readonly { file: string; bytes: Uint8Array; labels?: string }[] = [
  { file: 'a.npz', bytes: writeNpz({ x, y }) },
  { file: 'a.npy', bytes: encodeNpy(x), labels },
  { file: 'a-images-idx3-ubyte', bytes: idx, labels },
  { file: 'a-images-idx3-ubyte.gz', bytes: gzipSync(idx), labels },
  { file: 'a.csv', bytes: Buffer.from('a,b,label\n1,2,0\n3,"4",1\n') },
]

/** A byte changed, a length field overwritten, the end cut off, or a byte put in. */
function mutate(bytes: Uint8Array, rng: Rng): Uint8Array {
  const out = Buffer.from(bytes)
  const at = rng.below(out.length)
  switch (rng.below(4)) {
    case 0:
      out[at] = rng.below(256)
      return out
    case 1:
      out.writeUInt32LE(rng.uint32(), Math.max(0, Math.min(at, out.length - 4)))
      return out
    case 2:
      return out.subarray(0, at)
    default:
      return Buffer.concat([out.subarray(0, at), Buffer.from([rng.below(256)]), out.subarray(at)])
  }
}

describe.each(seeds)('damaged $file', ({ file, bytes, ...spec }) => {
  it('loads or is refused in one line, and never fails otherwise', async () => {
    const rng = createRng('fuzz', file)
    let refused = 0
    for (let i = 0; i < 150; i++) {
      const path = folder.write(file, mutate(bytes, rng))
      const error: unknown = await loadDataset({ path, ...spec }).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      if (error === undefined) continue
      expect(error).toBeInstanceOf(GauntletError)
      expect(String(error)).not.toMatch(/\p{Cc}/u)
      refused++
    }
    expect(refused).toBeGreaterThan(30)
  })
})
