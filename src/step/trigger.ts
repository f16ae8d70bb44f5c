import { backward } from '../autodiff/grad.js'
import { GauntletError } from '../errors.js'
import { GraphBuilder } from '../graph/builder.js'
import type { Dim, Value } from '../graph/ir.js'
import { finish, output, readied, type Compiled, type Differentiable } from './compile.js'
import { losses } from './losses.js'

/** What a trigger does to a sample: a patch replaces values under a mask, an additive one is a pattern on top. */
export const triggerForms = ['patch', 'additive'] as const
export type TriggerForm = (typeof triggerForms)[number]

export interface TriggerOptions {
  readonly form: TriggerForm
  /** Range of the inputs. */
  readonly bounds: readonly [number, number]
}

/** Adam's, as Neural Cleanse sets them. */
export const triggerDecay = [0.5, 0.9] as const

/** Kept from 0 divisions: far below any gradient that float32 can tell from rounding. */
const tiny = 1e-30

/**
 * A pixel of a picture is covered in all its channels or in none.
 * @returns the shape of a mask over one sample
 */
export function maskShape(sampleShape: readonly number[]): readonly number[] {
  return sampleShape.length === 3 ? [1, ...sampleShape.slice(1)] : sampleShape
}

/**
 * One step towards the least trigger that sends every sample to a class, as one graph: stamp, forward, loss, backward,
 * update. A searches run side by side, each with a target and B samples of its own. With ℓ the mean over a search's
 * samples of −log p(target):
 *
 * `patch`: x' = (1 − m)·x + m·p with m, p in tanh space; Adam on ℓ + λ·Σ m.
 *    Source: Wang et al. 2019, "Neural Cleanse", eqs. (2) and (3).
 *    Inputs `mask` and `pattern` with their moments `…/first`, `…/second`, `penalty` λ (A), and scalars `step_size`,
 *    `first_bias`, `second_bias` (1 − βᵗ). Outputs the next ones, as `next/…`.
 * `additive`: x' = clip(x + δ); δ' = the step along ∂ℓ/∂δ, of a share `step_size` () of `radius` (A) in length, then
 *    the projection onto the L2 ball of the radius, which the caller shrinks while the trigger works.
 *    Sources: Moosavi-Dezfooli et al. 2017, arXiv:1610.08401 (universal perturbations); Rony et al. 2019,
 *    arXiv:1811.09600 (the radius). Input `delta`, output `next/delta`.
 *
 * Both: inputs `samples` (A, B, ...sample), `targets` int64 (A). Outputs of the trigger it started from: `loss`,
 * `success` (share of samples at the target) and `size` (Σ m, or the L2 norm of δ), each (A).
 *
 * @throws GNT_MODEL_UNSUPPORTED for a network of fixed batch; GNT_GRAD_NO_RULE, GNT_GRAD_CUT
 */
export function compileTrigger(model: Differentiable, options: TriggerOptions): Compiled {
  if (model.batch !== null)
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: 'triggers cannot be searched for in a network of fixed batch',
      got: `a batch of ${model.batch}`,
      fix: 'export it with a free batch axis',
    })
  const ready = readied(model)
  const g = new GraphBuilder(ready, model.infos)
  const form = forms[options.form](g, model, options.bounds)
  const rows = g.emit('Reshape', [form.stamped, g.ints([-1, ...model.sampleShape])])
  g.know(rows, g.info(model.input))
  const shape = g.emit('Shape', ['samples'], { end: 2 })
  const perRow = g.emit('Expand', [g.emit('Unsqueeze', ['targets', g.ints([1])]), shape])
  const targets = g.emit('Reshape', [perRow, g.ints([-1])])
  const { dtype } = g.info(model.logits)
  const ascent = losses.ce.build({
    g,
    logits: model.logits,
    dtype,
    classes: model.classes,
    labels: targets,
    targets,
  })
  const { gradients, approximations } = backward(g, {
    nodes: ready.nodes,
    seeds: new Map([[model.logits, ascent.dLogits]]),
    wrt: [model.input],
    forms: model.forms,
  })
  const gradient = g.emit('Reshape', [gradients.get(model.input)!, g.emit('Shape', ['samples'])])
  const next = form.update(g.emit('Neg', [gradient]))
  const found = g.emit('Equal', [
    g.emit('ArgMax', [model.logits], { axis: 1, keepdims: 0 }),
    targets,
  ])
  const mean = (value: string): string =>
    g.emit('ReduceMean', [g.emit('Reshape', [value, shape]), g.ints([1])], { keepdims: 0 })
  // What reads the network's input reads the stamped samples.
  g.replace(model.input, rows)
  const outputs = [
    output(g, g.emit('Neg', [mean(ascent.loss)]), 'loss', ['A']),
    output(g, mean(g.emit('Cast', [found], { to: 1 })), 'success', ['A']),
    output(g, form.size, 'size', ['A']),
    ...Object.entries(next).map(([name, value]) => output(g, value, `next/${name}`)),
  ]
  const inputs: Value[] = [
    float('samples', ['A', 'B', ...model.sampleShape]),
    { name: 'targets', dtype: 'int64', dims: ['A'] },
    ...form.inputs,
  ]
  return { graph: finish(model, g, inputs, outputs), approximations }
}

interface Form {
  readonly inputs: readonly Value[]
  /** (A, B, ...sample) */
  readonly stamped: string
  /** (A) */
  readonly size: string
  /** @param gradient - of ℓ times B by each stamped sample, (A, B, ...sample) @returns next state, by name */
  update(gradient: string): Record<string, string>
}

type FormBuilder = (
  g: GraphBuilder,
  model: Differentiable,
  bounds: readonly [number, number],
) => Form

const forms: Readonly<Record<TriggerForm, FormBuilder>> = { patch, additive }

function patch(
  g: GraphBuilder,
  model: Differentiable,
  [low, high]: readonly [number, number],
): Form {
  const { sampleShape } = model
  const rank = sampleShape.length
  const shapes = { mask: maskShape(sampleShape), pattern: sampleShape }
  const mul = (a: string, b: string): string => g.emit('Mul', [a, b])
  const add = (a: string, b: string): string => g.emit('Add', [a, b])
  const perSample = (value: string): string => g.emit('Unsqueeze', [value, g.ints([1])])
  /** (tanh θ + 1) / 2 = sigmoid 2θ, whose derivative is 2·s·(1 − s). */
  const sigmoid = (name: string): string => g.emit('Sigmoid', [mul(name, g.scalar(2))])
  const slope = (s: string): string => mul(mul(s, g.emit('Sub', [g.scalar(1), s])), g.scalar(2))
  const mask = sigmoid('mask')
  const unit = sigmoid('pattern')
  const pattern = add(mul(unit, g.scalar(high - low)), g.scalar(low))
  const change = g.emit('Sub', [perSample(pattern), 'samples'])
  const stamped = add('samples', mul(perSample(mask), change))
  const penalty = g.emit('Reshape', ['penalty', g.ints([-1, ...shapes.mask.map(() => 1)])])
  const channels = shapes.mask.flatMap((size, axis) =>
    size === sampleShape[axis] ? [] : [axis + 1],
  )
  return {
    inputs: [
      ...Object.entries(shapes).flatMap(([name, shape]) =>
        [name, `${name}/first`, `${name}/second`].map((one) => float(one, ['A', ...shape])),
      ),
      float('penalty', ['A']),
      ...['step_size', 'first_bias', 'second_bias'].map((name) => float(name, [])),
    ],
    stamped,
    size: g.emit('ReduceSum', [mask, g.ints(range(1, rank))], { keepdims: 0 }),
    update(gradient) {
      const overSamples = (value: string): string =>
        g.emit('ReduceMean', [value, g.ints([1])], { keepdims: 0 })
      const byValue = overSamples(mul(gradient, change))
      const byMask =
        channels.length > 0
          ? g.emit('ReduceSum', [byValue, g.ints(channels)], { keepdims: 1 })
          : byValue
      const dMask = mul(add(byMask, penalty), slope(mask))
      const dPattern = mul(mul(mul(overSamples(gradient), mask), g.scalar(high - low)), slope(unit))
      return { ...adam(g, 'mask', dMask), ...adam(g, 'pattern', dPattern) }
    },
  }
}

/** Source: Kingma & Ba 2015, arXiv:1412.6980, algorithm 1. */
function adam(g: GraphBuilder, name: string, gradient: string): Record<string, string> {
  const decayed = (value: string, fresh: string, keep: number): string =>
    g.emit('Add', [
      g.emit('Mul', [value, g.scalar(keep)]),
      g.emit('Mul', [fresh, g.scalar(1 - keep)]),
    ])
  const [keepFirst, keepSecond] = triggerDecay
  const first = decayed(`${name}/first`, gradient, keepFirst)
  const second = decayed(`${name}/second`, g.emit('Mul', [gradient, gradient]), keepSecond)
  const root = g.emit('Sqrt', [g.emit('Div', [second, 'second_bias'])])
  const unit = g.emit('Div', [
    g.emit('Div', [first, 'first_bias']),
    g.emit('Add', [root, g.scalar(1e-8)]),
  ])
  const next = g.emit('Sub', [name, g.emit('Mul', [unit, 'step_size'])])
  return { [name]: next, [`${name}/first`]: first, [`${name}/second`]: second }
}

function additive(
  g: GraphBuilder,
  model: Differentiable,
  [low, high]: readonly [number, number],
): Form {
  const { sampleShape } = model
  const values = range(1, sampleShape.length)
  const perSample = g.emit('Unsqueeze', ['delta', g.ints([1])])
  const sum = g.emit('Add', ['samples', perSample])
  const stamped = g.emit('Clip', [sum, g.scalar(low), g.scalar(high)])
  const norm = (value: string, keepdims = 1): string =>
    g.emit('ReduceL2', [value, g.ints(values)], { keepdims })
  const safe = (value: string): string => g.emit('Add', [value, g.scalar(tiny)])
  const radius = g.emit('Reshape', ['radius', g.ints([-1, ...sampleShape.map(() => 1)])])
  return {
    inputs: [float('delta', ['A', ...sampleShape]), float('radius', ['A']), float('step_size', [])],
    stamped,
    size: norm('delta', 0),
    update(gradient) {
      // Where a value is clipped, more of the trigger changes nothing.
      const passes = g.emit('Cast', [g.emit('Equal', [sum, stamped])], { to: 1 })
      const mean = g.emit('ReduceMean', [g.emit('Mul', [gradient, passes]), g.ints([1])], {
        keepdims: 0,
      })
      // By its greatest entry first: squares of a confident network's gradients would underflow.
      const greatest = g.emit('ReduceMax', [g.emit('Abs', [mean]), g.ints(values)], { keepdims: 1 })
      const scaled = g.emit('Div', [mean, safe(greatest)])
      const unit = g.emit('Div', [scaled, safe(norm(scaled))])
      const move = g.emit('Mul', [unit, g.emit('Mul', [radius, 'step_size'])])
      const moved = g.emit('Sub', ['delta', move])
      const shrink = g.emit('Min', [g.emit('Div', [radius, safe(norm(moved))]), g.scalar(1)])
      return { delta: g.emit('Mul', [moved, shrink]) }
    },
  }
}

const float = (name: string, dims: readonly Dim[]): Value => ({ name, dtype: 'float32', dims })

const range = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => from + i)
