import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** A folder of this test file's own, removed at its end. */
export function tempFolder(): {
  path: string
  write: (name: string, bytes: Uint8Array | string) => string
} {
  const path = mkdtempSync(join(tmpdir(), 'gauntlet-data-'))
  afterAll(() => rmSync(path, { recursive: true, force: true }))
  return {
    path,
    write(name, bytes) {
      const file = join(path, name)
      writeFileSync(file, bytes)
      return file
    },
  }
}

/** A .npy file from its parts, written independently of `src/data`, so that it can also be wrong. */
export function npyBytes(header: string, body: Uint8Array, version = 1): Uint8Array {
  const prefix = version === 1 ? 10 : 12
  const length = Math.ceil((prefix + header.length + 1) / 64) * 64 - prefix
  const out = Buffer.alloc(prefix + length + body.length, ' ')
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0])
  if (version === 1) out.writeUInt16LE(length, 8)
  else out.writeUInt32LE(length, 8)
  out.write(header, prefix, 'latin1')
  out[prefix + length - 1] = 0x0a
  out.set(body, prefix + length)
  return out
}

export function npyHeader(descr: string, shape: readonly number[], isFortran = false): string {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  return `{'descr': '${descr}', 'fortran_order': ${isFortran ? 'True' : 'False'}, 'shape': (${sizes}), }`
}

/** IDX: 00 00, type, rank, big-endian sizes, body. */
export function idxBytes(type: number, shape: readonly number[], body: Uint8Array): Uint8Array {
  const head = Buffer.alloc(4 + 4 * shape.length)
  head.set([0, 0, type, shape.length])
  shape.forEach((size, axis) => head.writeUInt32BE(size, 4 + 4 * axis))
  return Buffer.concat([head, body])
}

/** 0, 1, 2, … modulo 251: no two neighbours alike, every order mistake shows. */
export function ramp(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => i % 251)
}
