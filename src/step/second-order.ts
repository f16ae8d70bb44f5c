import { backward } from '../autodiff/grad.js'
import { choice, zero, type RuleTable } from '../autodiff/rule.js'
import { rules } from '../autodiff/rules/index.js'
import { GauntletError } from '../errors.js'
import { GraphBuilder } from '../graph/builder.js'
import type { Graph, Value } from '../graph/ir.js'
import { parameterOf } from '../graph/passes/parameters.js'
import type { ShapedGraph } from '../graph/passes/readers.js'
import { batchSymbol } from '../graph/passes/rebatch.js'
import { verify } from '../graph/verify.js'
import { output, type Differentiable } from './compile.js'
import { losses } from './losses.js'

/** Names of a parameter's gradient, an output, and of the vector that it is multiplied with, an input. */
export const secondOrderNames = {
  gradient: (parameter: string): string => `gradient/${parameter}`,
  pull: (parameter: string): string => `pull/${parameter}`,
}

/**
 * The gradient of the cross-entropy, summed over the batch, by each parameter, as one graph.
 * Inputs: the network's, `labels` int64 (N). Outputs: `gradient/NAME`, of the parameter's shape.
 *
 * @throws GNT_MODEL_UNSUPPORTED for a parameter that is no float32 constant; GNT_GRAD_NO_RULE; GNT_GRAD_CUT
 */
export function compileParameterGradients(
  model: Differentiable,
  parameters: readonly string[],
): Graph {
  const g = new GraphBuilder(model.graph, model.infos)
  const { dLogits } = losses.ce.build({
    g,
    logits: model.logits,
    dtype: g.info(model.logits).dtype,
    classes: model.classes,
    labels: 'labels',
    targets: null,
  })
  const { gradients } = backward(g, {
    nodes: model.graph.nodes,
    seeds: new Map([[model.logits, dLogits]]),
    wrt: parameters,
    forms: model.forms,
  })
  const labels: Value = { name: 'labels', dtype: 'int64', dims: [model.batch ?? batchSymbol] }
  const outputs = parameters.map((name) =>
    output(
      g,
      gradients.get(name) ?? '',
      secondOrderNames.gradient(name),
      parameterOf(model.graph, name).dims,
    ),
  )
  return verify(g.finish([...model.graph.inputs, labels], outputs))
}

/**
 * What changes the parameters' gradients by the samples: for vectors p of the parameters' shapes,
 * ∂ Σ ⟨p, ∂ℓ/∂w⟩ / ∂x. The graph of the first-order gradients is differentiated once more.
 * Inputs: the network's, `labels`, and `pull/NAME` of each parameter. Output: `gradient`, as the network's input.
 *
 * @param first - of `compileParameterGradients`, with the shapes of all its values
 * @throws GNT_GRAD_NO_RULE for an operator of the first derivative that has no second one
 */
export function compilePull(
  first: ShapedGraph,
  model: Pick<Differentiable, 'input' | 'sampleShape' | 'batch'>,
  parameters: readonly string[],
): Graph {
  const g = new GraphBuilder(first.graph, first.infos)
  const pulls = parameters.map((name): Value => {
    const { dtype, dims } = first.graph.outputs.find(
      (one) => one.name === secondOrderNames.gradient(name),
    )!
    return { name: secondOrderNames.pull(name), dtype, dims }
  })
  const { gradients } = backward(g, {
    nodes: first.graph.nodes,
    seeds: new Map(
      parameters.map((name) => [secondOrderNames.gradient(name), secondOrderNames.pull(name)]),
    ),
    wrt: [model.input],
    rules: secondRules,
  })
  const dims = [model.batch ?? batchSymbol, ...model.sampleShape]
  const pulled = output(g, gradients.get(model.input) ?? '', 'gradient', dims)
  return verify(g.finish([...first.graph.inputs, ...pulls], [pulled]))
}

/**
 * The gradient of features along a direction, as one graph: ∂⟨direction, features⟩/∂x.
 * Inputs: the network's, `direction` (N, width). Output: `gradient`.
 *
 * @param features - the network up to them, with the shapes of all its values; its only output is (N, width)
 */
export function compileFeatureGradient(
  features: ShapedGraph,
  model: Pick<Differentiable, 'input' | 'sampleShape' | 'batch'>,
  width: number,
): Graph {
  const [found] = features.graph.outputs
  if (!found) throw new GauntletError('GNT_GRAPH_INVALID', { what: 'no features to differentiate' })
  const g = new GraphBuilder(features.graph, features.infos)
  const { gradients } = backward(g, {
    nodes: features.graph.nodes,
    seeds: new Map([[found.name, 'direction']]),
    wrt: [model.input],
  })
  const batch = model.batch ?? batchSymbol
  const direction: Value = { name: 'direction', dtype: 'float32', dims: [batch, width] }
  const pulled = output(g, gradients.get(model.input) ?? '', 'gradient', [
    batch,
    ...model.sampleShape,
  ])
  return verify(g.finish([...features.graph.inputs, direction], [pulled]))
}

/** Masks of activations are HardSigmoids of any steepness (`isPositive`): steps, whose derivative is zero. */
const secondRules: RuleTable = {
  ...rules,
  HardSigmoid: choice('zero where it is a step', (node) => {
    const { alpha } = node.attrs
    const isStep = alpha?.kind === 'float' && Math.abs(alpha.value) >= 1e30
    const rule = rules['HardSigmoid']
    if (isStep || !rule || rule.kind === 'choice') return zero
    return rule
  }),
}
