/**
 * The graph every pass reads and writes: plain frozen data, values referred to by name as in ONNX.
 * A pass is `(Graph) => Graph`; nothing here is ever mutated.
 */

export const dtypes = [
  'float32',
  'float64',
  'float16',
  'bfloat16',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'bool',
  'string',
  'int4',
  'uint4',
] as const
export type DType = (typeof dtypes)[number]

/** A size that is known, or a named symbol (`'N'`), or nothing known. */
export type Dim = number | string | null

/**
 * A constant. `data` is the element bytes, little-endian, in C order (bool: 1 byte, float16: 2 bytes; int4 and uint4:
 * two elements in a byte, the lower half first);
 * it may be a view into the file's buffer and need not be aligned. Use `src/graph/tensor.ts` to read it.
 */
export interface Tensor {
  readonly dtype: DType
  readonly dims: readonly number[]
  readonly data: Uint8Array
  /** Of the data, given where they are read or computed anew whenever somebody asks for them. */
  readonly byteLength?: number
}

export type Attr =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: Tensor }
  | { readonly kind: 'graph'; readonly value: Graph }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }

export interface Node {
  readonly name: string
  readonly op: string
  /** `''` for ai.onnx. */
  readonly domain: string
  /** Value names; `''` stands for an optional input or output that is absent. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attrs: Readonly<Record<string, Attr>>
}

export interface Value {
  readonly name: string
  readonly dtype: DType
  /** `null`: the rank itself is unknown. */
  readonly dims: readonly Dim[] | null
}

export interface Graph {
  readonly name: string
  /** domain → opset version; `''` is ai.onnx. */
  readonly opsets: Readonly<Record<string, number>>
  readonly irVersion: number
  /** Inputs a caller feeds; initializers are not listed again here. */
  readonly inputs: readonly Value[]
  /** `dtype` and `dims` of an output may be unknown in a file: then `dims` is null. */
  readonly outputs: readonly Value[]
  readonly initializers: Readonly<Record<string, Tensor>>
  /** In topological order. */
  readonly nodes: readonly Node[]
}
