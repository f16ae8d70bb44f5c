/** What a scan reads of an ONNX file, before it judges. */

/** One graph of the file: the main one, or one in an attribute of a node. */
export interface ScannedGraph {
  readonly where: string
  readonly nodes: readonly ScannedNode[]
  readonly initializers: readonly ScannedTensor[]
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
}

export interface ScannedNode {
  readonly name: string
  readonly op: string
  readonly domain: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly graphs: readonly ScannedGraph[]
}

export interface ScannedTensor {
  readonly name: string
  readonly dims: readonly number[]
  readonly bytes: number
  /** Small tensors of whole numbers: they may be sizes. */
  readonly values: readonly number[] | undefined
}
