import { GraphBuilder } from '../graph/builder.js'
import type { Graph, Value } from '../graph/ir.js'
import { renameValues } from '../graph/passes/rename.js'
import { batchSymbol } from '../graph/passes/rebatch.js'
import { verify } from '../graph/verify.js'
import { compileStep, type Compiled, type Differentiable, type StepOptions } from './compile.js'

/** What the inputs and outputs of a portable step are called. */
const portable = { current: 'x_adv', clean: 'x', next: 'x_adv_next' } as const

/**
 * The fused step in a form that is the same for every norm and needs no harness around it. Inputs: `x_adv` and `x`
 * float32 (N, ...sample), `labels` int64 (N), `targets` int64 (N) if targeted, `epsilon` and `step_size` float32 [].
 * Outputs: `x_adv_next`, and of x_adv `logits` (N, K) and `loss` (N).
 */
export function compilePortableStep(model: Differentiable, options: StepOptions): Compiled {
  const { graph, approximations } = compileStep(model, options)
  const batch = model.batch ?? batchSymbol
  const samples: Value = {
    name: portable.clean,
    dtype: 'float32',
    dims: [batch, ...model.sampleShape],
  }
  const g = new GraphBuilder(graph)
  if (options.norm === 'linf') {
    const [low, high] = options.bounds
    // A little less than ε: what the float32 sums x ± ε are rounded by takes no point out of the ball.
    const slack = 2 ** -22 * Math.max(Math.abs(low), Math.abs(high))
    const epsilon = g.emit('Relu', [g.emit('Sub', ['epsilon', g.scalar(slack)])])
    g.replace('lower', g.emit('Max', [g.emit('Sub', [portable.clean, epsilon]), g.scalar(low)]))
    g.replace('upper', g.emit('Min', [g.emit('Add', [portable.clean, epsilon]), g.scalar(high)]))
  }
  const own = new Set(['lower', 'upper', portable.clean, 'epsilon', 'step_size'])
  const inputs = [
    ...graph.inputs.filter(({ name }) => !own.has(name)),
    samples,
    scalar('epsilon'),
    scalar('step_size'),
  ]
  const typed = graph.outputs.map((output): Value => ({ ...output, dims: dimsOf(output.name) }))
  const whole = g.finish(inputs, typed, 'attack-step')
  const names = new Map<string, string>([
    [model.input, portable.current],
    ['x_next', portable.next],
  ])
  return { graph: verify(named(whole, names)), approximations }

  function dimsOf(name: string): Value['dims'] {
    if (name === 'x_next') return samples.dims
    return name === 'logits' ? [batch, model.classes] : [batch]
  }
}

const scalar = (name: string): Value => ({ name, dtype: 'float32', dims: [] })

const named = (graph: Graph, names: ReadonlyMap<string, string>): Graph =>
  renameValues(graph, (name) => names.get(name) ?? name)
