import { runAttack } from '../../src/attack/host.js'
import type { AttackJob, AttackResult } from '../../src/attack/job.js'
import { AttackRegistry } from '../../src/attack/registry.js'
import type { AttackPlugin } from '../../src/attack/types.js'
import type { Graph } from '../../src/graph/ir.js'
import { elementCount } from '../../src/graph/tensor.js'
import type { ModelHandle } from '../../src/model/handle.js'
import type { FusedNorm, ThreatModel } from '../../src/threat/threat-model.js'
import { createRng } from '../../src/util/rng.js'
import { linearOf, predictionsOf } from './networks.js'

/** Runs an attack on samples that the model, by its own labels, gets right. */
export async function attack(
  model: ModelHandle,
  plugin: AttackPlugin,
  threat: ThreatModel,
  x: Float32Array,
  change: Partial<AttackJob> & { readonly params?: Readonly<Record<string, unknown>> } = {},
): Promise<AttackResult> {
  const { params = {}, ...rest } = change
  const n = x.length / elementCount(model.prepared.sampleShape)
  return runAttack({
    model,
    plugin,
    spec: new AttackRegistry([plugin]).specify(plugin.id, params),
    threat,
    x,
    labels: await predictionsOf(model, x, n),
    samples: Array.from({ length: n }, (_, i) => i),
    seed: 3,
    batch: 16,
    isCancelled: () => false,
    ...rest,
  })
}

export const successes = ({ outcomes }: AttackResult): number =>
  outcomes.filter(({ success }) => success).length

/** Two classes, divided by a plane with normal vector w. */
export interface LinearProblem {
  readonly graph: Graph
  readonly w: readonly number[]
  readonly offset: number
}

export function linearProblem(size: number): LinearProblem {
  const rng = createRng('linear')
  const weights = [0, 1].map(() => Array.from({ length: size }, () => rng.normal()))
  const bias = [0.1, -0.2] as const
  return {
    graph: linearOf([size], weights, bias),
    w: weights[1]!.map((value, i) => value - weights[0]![i]!),
    offset: bias[1] - bias[0],
  }
}

/** margin / ‖w‖ in the norm dual to the one a perturbation is measured in. */
export function leastDistance(
  { w, offset }: LinearProblem,
  norm: FusedNorm,
  x: Float32Array,
): number {
  const dual = {
    linf: w.reduce((sum, value) => sum + Math.abs(value), 0),
    l2: Math.hypot(...w),
    l1: Math.max(...w.map(Math.abs)),
  }
  return Math.abs(w.reduce((sum, value, i) => sum + value * x[i]!, offset)) / dual[norm]
}
