/** Everything that others say about gates: what goes in, what comes out, and the rules. */
export type * from './results.js'
export type { GateRule } from './schema.js'
