import type { Graph } from '../graph/ir.js'
import type { PrepareOptions } from '../model/prepare.js'
import type { TrainingSpec } from '../plan/trial.js'
import { NetworkSurrogate } from '../poison/surrogate.js'
import type { SessionOptions } from '../runtime/session.js'

export interface SurrogateRequest {
  readonly training: TrainingSpec
  readonly input: PrepareOptions
  readonly session: SessionOptions
  readonly note: (text: string) => void
}

/** A trained network as poisons see it: their gradients are by the parameters that the training changes. */
export function openSurrogate(
  graph: Graph,
  { training, input, session, note }: SurrogateRequest,
): Promise<NetworkSurrogate> {
  const isHead = training.kind === 'built-in' && training.from === 'head'
  return NetworkSurrogate.open(graph, {
    ...session,
    parameters: isHead ? 'head' : 'all',
    input,
    note,
  })
}
