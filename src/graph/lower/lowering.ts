import type { NodeView } from '../node-view.js'

/**
 * How one composite operator is written with simpler ones, before the graph is differentiated: an attention as
 * MatMul, Softmax, MatMul; a recurrent cell as its unrolled steps. Shapes are probed again afterwards, so a lowering
 * never says what shapes its values have, and may emit operators that have a lowering themselves.
 *
 * @returns one emitted value for each output of the node (`''` for an absent one), or null to leave the node as it is
 */
export type Lowering = (view: NodeView) => readonly string[] | null

/** By operator key: `Attention`, `com.microsoft:FusedConv`. */
export type LoweringTable = Readonly<Record<string, Lowering>>
