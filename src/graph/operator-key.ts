import type { Node } from './ir.js'

/** How tables name an operator: `Relu`, `com.microsoft:FusedConv`. */
export const operatorKey = (node: Pick<Node, 'op' | 'domain'>): string =>
  node.domain === '' || node.domain === 'ai.onnx' ? node.op : `${node.domain}:${node.op}`
