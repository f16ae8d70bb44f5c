import { GauntletError } from '../errors.js'
import type { Dim, Value } from '../graph/ir.js'
import { decodeDtype } from './decode-tensor.js'
import { proto } from './proto.js'
import * as wire from './wire.js'
import type { Fields } from './wire.js'

const { sequence, map, sparseTensor, optional } = proto.type
const otherTypes = [sequence, map, sparseTensor, optional]

/**
 * A ValueInfoProto of an input or output. An output without a type has null dims.
 * @param constants - names that are initializers; an input among them needs no type
 */
export function readValue(
  fields: Fields,
  role: 'input' | 'output',
  depth: number,
  constants?: ReadonlySet<string>,
): Value {
  const name = wire.text(fields, proto.valueInfo.name)
  if (name === '') throw new Error(`an ${role} has no name`)
  const where = `${role} "${name}"`
  const type = wire.message(fields, proto.valueInfo.type)
  const tensor = type && wire.message(type, proto.type.tensor)
  if (!tensor) {
    if (depth === 0 && type && otherTypes.some((no) => type.has(no))) {
      throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
        what: 'a value that is not a tensor (sequence, map, optional or sparse)',
        where,
      })
    }
    // Inside a subgraph the runtime knows the type from the node around it.
    if (role === 'input' && depth === 0 && !constants?.has(name)) {
      throw new Error(`${where} has no type`)
    }
    return { name, dtype: 'float32', dims: null }
  }
  const dtype = decodeDtype(wire.int(tensor, proto.tensorType.elemType), where)
  const shape = wire.message(tensor, proto.tensorType.shape)
  return { name, dtype, dims: shape ? wire.messages(shape, proto.shape.dim).map(readDim) : null }
}

/** Some exporters write -1 for "any size". */
function readDim(fields: Fields): Dim {
  const value = wire.int(fields, proto.dim.value)
  if (fields.has(proto.dim.value)) return value < 0 ? null : value
  return wire.text(fields, proto.dim.param) || null
}
