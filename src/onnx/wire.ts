import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'

/**
 * One level of a protobuf message: every field as it stood on the wire, in file order. Nested messages
 * stay bytes (views, never copies) until somebody asks for them, so nothing is allocated because
 * a file *says* it is large.
 */
export type Fields = ReadonlyMap<number, readonly RawField[]>

type RawField =
  | { readonly wire: 'varint'; readonly value: bigint }
  | { readonly wire: 'bytes' | 'fixed32' | 'fixed64'; readonly bytes: Uint8Array }

/** @throws Error on anything that is not a well-formed message. */
export function readFields(bytes: Uint8Array): Fields {
  const reader = new BinaryReader(bytes)
  const fields = new Map<number, RawField[]>()
  while (reader.pos < reader.len) {
    const [no, wire] = reader.tag()
    const field = readField(reader, wire)
    const known = fields.get(no)
    if (known) known.push(field)
    else fields.set(no, [field])
  }
  return fields
}

function readField(reader: BinaryReader, wire: WireType): RawField {
  switch (wire) {
    case WireType.Varint:
      return { wire: 'varint', value: BigInt(reader.int64()) }
    case WireType.LengthDelimited:
      return { wire: 'bytes', bytes: reader.bytes() }
    case WireType.Bit32:
      return { wire: 'fixed32', bytes: reader.skip(wire) }
    case WireType.Bit64:
      return { wire: 'fixed64', bytes: reader.skip(wire) }
    default:
      throw new Error(`wire type ${wire}, which ONNX does not use`)
  }
}

/** The bytes of every occurrence of a length-delimited field. */
function allBytes(fields: Fields, no: number): Uint8Array[] {
  return (fields.get(no) ?? []).map((field) => {
    if (field.wire !== 'bytes') throw wrongWire(no, field)
    return field.bytes
  })
}

/** The last occurrence wins, as protobuf says. */
export function lastBytes(fields: Fields, no: number): Uint8Array | undefined {
  return allBytes(fields, no).at(-1)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws TypeError when the bytes are not UTF-8 */
function decodeText(bytes: Uint8Array): string {
  return utf8.decode(bytes)
}

export function text(fields: Fields, no: number): string {
  const bytes = lastBytes(fields, no)
  return bytes ? decodeText(bytes) : ''
}

export function texts(fields: Fields, no: number): string[] {
  return allBytes(fields, no).map(decodeText)
}

export function message(fields: Fields, no: number): Fields | undefined {
  const bytes = lastBytes(fields, no)
  return bytes && readFields(bytes)
}

export function messages(fields: Fields, no: number): Fields[] {
  return allBytes(fields, no).map(readFields)
}

/** An integer field, 0 when absent. Beyond 2^53 it is the nearest double: such values mean "as far as it goes". */
export function int(fields: Fields, no: number): number {
  const field = fields.get(no)?.at(-1)
  if (!field) return 0
  if (field.wire !== 'varint') throw wrongWire(no, field)
  return Number(field.value)
}

/** A repeated integer field, packed or not; same precision as {@link int}. */
export function ints(fields: Fields, no: number): number[] {
  return varints(fields, no).map(Number)
}

/** A repeated integer field with all 64 bits (two's complement). */
export function varints(fields: Fields, no: number): bigint[] {
  return (fields.get(no) ?? []).flatMap((field) => {
    if (field.wire === 'varint') return [field.value]
    if (field.wire !== 'bytes') throw wrongWire(no, field)
    const reader = new BinaryReader(field.bytes)
    const values: bigint[] = []
    while (reader.pos < reader.len) values.push(BigInt(reader.int64()))
    return values
  })
}

export function float(fields: Fields, no: number): number {
  return floats(fields, no).at(-1) ?? 0
}

export function floats(fields: Fields, no: number): number[] {
  const bytes = fixedBytes(fields, no, 4)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true))
}

/**
 * A repeated float or double field as little-endian bytes. A packed field is that already, so the
 * usual case is a view into the file.
 */
export function fixedBytes(fields: Fields, no: number, size: 4 | 8): Uint8Array {
  const parts = (fields.get(no) ?? []).map((field) => {
    if (field.wire === 'varint') throw wrongWire(no, field)
    if (field.wire !== 'bytes' && field.bytes.length !== size) throw wrongWire(no, field)
    if (field.bytes.length % size !== 0) {
      throw new Error(`field ${no} holds ${field.bytes.length} bytes, not a multiple of ${size}`)
    }
    return field.bytes
  })
  const [first] = parts
  return first && parts.length === 1 ? first : new Uint8Array(Buffer.concat(parts))
}

function wrongWire(no: number, field: RawField): Error {
  return new Error(`field ${no} is stored as ${field.wire}`)
}
