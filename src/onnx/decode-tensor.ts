import { GauntletError } from '../errors.js'
import { dtypes, type DType, type Tensor } from '../graph/ir.js'
import { bytesFor, elementCount } from '../graph/tensor.js'
import type { ExternalPlace } from './encode.js'
import { dataTypeNames, externalLocation, proto } from './proto.js'
import { fixedBytes, int, ints, lastBytes, messages, text, varints, type Fields } from './wire.js'

/** What a tensor is, without its data. */
type TensorType = Pick<Tensor, 'dtype' | 'dims'>

/** The tensor that lies at a place outside of the model file. */
export type ExternalReader = (place: ExternalPlace, type: TensorType) => Tensor

/** @throws GauntletError GNT_MODEL_UNSUPPORTED for element types that Gauntlet does not carry */
export function decodeDtype(code: number, where: string): DType {
  const name: string = dataTypeNames[code] ?? `element type ${code}`
  const dtype = dtypes.find((known) => known === name)
  if (dtype) return dtype
  if (code === 0) throw new Error(`${where} has no element type`)
  throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
    what: 'an element type that is not supported',
    where,
    got: name,
    expected: dtypes.join(', '),
  })
}

/**
 * A TensorProto. Raw and packed float data stay views into the file; packed integers become little-endian bytes.
 * @throws Error when the bytes present are not what dims and element type ask for
 */
export function decodeTensor(fields: Fields, where: string, external?: ExternalReader): Tensor {
  const dims = ints(fields, proto.tensor.dims)
  const dtype = decodeDtype(int(fields, proto.tensor.dataType), where)
  if (dtype === 'string' || fields.has(proto.tensor.segment)) {
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: dtype === 'string' ? 'a constant of strings' : 'a tensor stored in segments',
      where,
    })
  }
  const count = elementCount(dims)
  const length = bytesFor(dtype, count)
  if (dims.some((dim) => dim < 0) || !Number.isSafeInteger(length)) {
    throw new Error(`${where} has dims [${dims.join(', ')}]`)
  }
  if (int(fields, proto.tensor.dataLocation) === externalLocation)
    return readExternal(fields, where, { dtype, dims }, external)
  const data = lastBytes(fields, proto.tensor.rawData) ?? typedData(fields, dtype)
  if (data.byteLength !== length) {
    throw new Error(
      `${where} holds ${data.byteLength} bytes, its dims [${dims.join(', ')}] need ${length}`,
    )
  }
  return { dtype, dims, data }
}

function readExternal(
  fields: Fields,
  where: string,
  type: TensorType,
  external: ExternalReader | undefined,
): Tensor {
  const entries = new Map(
    messages(fields, proto.tensor.externalData).map((entry) => [
      text(entry, proto.entry.key),
      text(entry, proto.entry.value),
    ]),
  )
  const location = entries.get('location')
  const offset = wholeNumber(entries.get('offset') ?? '0')
  const expected = bytesFor(type.dtype, elementCount(type.dims))
  const length = wholeNumber(entries.get('length') ?? String(expected))
  if (!location || offset === undefined || length !== expected) {
    throw new Error(`${where} has a wrong external data entry`)
  }
  if (!external) {
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: 'the model keeps weights in another file, which is not at hand here',
      where,
      got: location,
      fix: 'give the model as a path',
    })
  }
  return external({ location, offset, length }, type)
}

function wholeNumber(digits: string): number | undefined {
  const value = /^\d{1,16}$/.test(digits) ? Number(digits) : NaN
  return Number.isSafeInteger(value) ? value : undefined
}

function typedData(fields: Fields, dtype: Exclude<DType, 'string'>): Uint8Array {
  const { floatData, doubleData, int32Data, int64Data, uint64Data } = proto.tensor
  switch (dtype) {
    case 'float32':
      return fixedBytes(fields, floatData, 4)
    case 'float64':
      return fixedBytes(fields, doubleData, 8)
    case 'int64':
      return bytesOf(BigInt64Array.from(varints(fields, int64Data)))
    case 'uint64':
      return bytesOf(BigUint64Array.from(varints(fields, uint64Data)))
    case 'uint32':
      return bytesOf(Uint32Array.from(ints(fields, uint64Data)))
    case 'int32':
      return bytesOf(Int32Array.from(ints(fields, int32Data)))
    case 'int16':
      return bytesOf(Int16Array.from(ints(fields, int32Data)))
    case 'uint16':
    case 'float16':
    case 'bfloat16':
      return bytesOf(Uint16Array.from(ints(fields, int32Data)))
    case 'int8':
      return bytesOf(Int8Array.from(ints(fields, int32Data)))
    case 'uint8':
    case 'bool':
    case 'int4':
    case 'uint4':
      return bytesOf(Uint8Array.from(ints(fields, int32Data)))
  }
}

function bytesOf(values: ArrayBufferView<ArrayBuffer>): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}
