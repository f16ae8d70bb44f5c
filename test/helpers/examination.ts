import { join } from 'node:path'
import { pgd } from '../../attacks/evasion/pgd.js'
import { drawGlyphs } from '../../src/data/glyphs.js'
import type { Graph, Node, Tensor } from '../../src/graph/ir.js'
import { loadModel } from '../../src/onnx/load.js'
import type { ModelHandle } from '../../src/model/handle.js'
import type { ThreatModel } from '../../src/threat/threat-model.js'
import { Bench } from '../../src/trust/bench.js'
import type { Check, Raised } from '../../src/trust/check.js'
import { examine } from '../../src/trust/examine.js'
import type { Examination, Finding } from '../../src/trust/types.js'
import { openModel } from './networks.js'

/** The demo's networks, both of glyphs: v1 trained on adversarial examples, v2 undefended and of higher accuracy. */
export const demoGraph = async (version: 'v1' | 'v2'): Promise<Graph> =>
  (await loadModel(join(import.meta.dirname, `../../suites/demo/glyphs-${version}.onnx`))).graph

/** Pictures of the demo on [0, 1]. */
export function glyphs(count = 96): Pick<Examination, 'x' | 'labels' | 'samples'> {
  const { values, labels } = drawGlyphs({ count, seed: 1 })
  const samples = Array.from({ length: count }, (_, i) => i)
  return { x: Float32Array.from(values, (value) => value / 255), labels, samples }
}

export const linf = (epsilon: number): ThreatModel => ({
  norm: 'linf',
  epsilon,
  bounds: [0, 1],
  goal: { kind: 'untargeted' },
})

/** On the glyphs: a third of the pixels goes all the way, a third a hundredth of it, the others nowhere. */
export const uneven = (epsilon: number): ThreatModel => ({
  ...linf(epsilon),
  features: { scale: Array.from({ length: glyphs(1).x.length }, (_, p) => [1, 0.01, 0][p % 3]!) },
})

/** The graph with nodes in front of it, which read `image` and leave `fed`. */
export function withFront(
  graph: Graph,
  nodes: readonly Node[],
  initializers: Readonly<Record<string, Tensor>> = {},
): Graph {
  const input = graph.inputs[0]!.name
  const renamed = (name: string): string => (name === input ? 'fed' : name)
  return {
    ...graph,
    nodes: [
      ...nodes,
      ...graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(renamed) })),
    ],
    initializers: { ...graph.initializers, ...initializers },
  }
}

type Changes = Partial<Examination>

/** What is examined unless a test changes it: a network on glyphs, at L∞ 0.1. */
async function opened<T>(
  source: Graph | ModelHandle,
  changes: Changes,
  use: (job: Examination) => Promise<T>,
): Promise<T> {
  const model = 'nodes' in source ? await openModel(source) : source
  try {
    return await use({
      version: 'v',
      model,
      ...glyphs(),
      threats: [linf(0.1)],
      attack: pgd,
      seed: 1,
      batch: 64,
      isCancelled: () => false,
      ...changes,
    })
  } finally {
    await model.close()
  }
}

export const examined = (
  source: Graph | ModelHandle,
  changes: Changes = {},
): Promise<readonly Finding[]> => opened(source, changes, examine)

/** What one check finds; nothing where it has nothing to measure. */
export const raised = (
  check: Check,
  source: Graph | ModelHandle,
  changes: Changes = {},
): Promise<readonly Raised[]> =>
  opened(source, changes, async (job) => {
    const bench = new Bench(job)
    try {
      for (const need of check.needs) if (!(await bench.has(need))) return []
      return [(await check.run(bench)) ?? []].flat()
    } finally {
      await bench.close()
    }
  })

export const severities = (found: readonly Raised[]): string[] =>
  found.map(({ severity }) => severity)

export const errorsOf = (findings: readonly Finding[]): string[] => [
  ...new Set(findings.flatMap(({ severity, signal }) => (severity === 'error' ? [signal] : []))),
]

/** A property of the handle itself, as a Proxy must hand it out. */
export function bound(model: ModelHandle, name: string | symbol): unknown {
  const value: unknown = Reflect.get(model, name, model)
  return typeof value === 'function' ? (value.bind(model) as unknown) : value
}
