import type { Graph } from '../graph/ir.js'
import type { PrepareOptions } from '../model/prepare.js'
import type { TrainingSpec } from '../plan/trial.js'
import { NetworkSurrogate } from '../poison/surrogate.js'
import type { SessionOptions } from '../runtime/session.js'

export type OpenSurrogate = NetworkSurrogate

export interface SurrogateRequest {
  readonly training: TrainingSpec
  readonly input: PrepareOptions
  readonly session: SessionOptions
  readonly note: (text: string) => void
}
