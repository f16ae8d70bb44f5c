import type { DType } from '../graph/ir.js'

/** Least and greatest integer of a type that a quantized network computes with. */
export const ranges: Partial<Record<DType, readonly [number, number]>> = {
  int4: [-8, 7],
  uint4: [0, 15],
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
}
