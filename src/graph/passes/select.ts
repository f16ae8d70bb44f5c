import { GauntletError } from '../../errors.js'
import type { Graph, Tensor, Value } from '../ir.js'

/** Keeps one input as the attacked one; the others become the constants given for them. */
export function bindInputs(graph: Graph, input: string, constants: Readonly<Record<string, Tensor>>): Graph {
  const others = graph.inputs.filter((value) => value.name !== input)
  const missing = others.filter((value) => !(value.name in constants))
  if (missing.length > 0)
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: 'the model has several inputs, and only one can be attacked',
      where: `inputs ${graph.inputs.map((value) => value.name).join(', ')}`,
      got: `no constant for ${missing.map((value) => value.name).join(', ')}`,
      fix: 'name the attacked input with --input and give the others values under constants in the configuration',
    })
  return {
    ...graph,
    inputs: graph.inputs.filter((value) => value.name === input),
    initializers: {
      ...graph.initializers,
      ...Object.fromEntries(others.map((value) => [value.name, constants[value.name]!])),
    },
  }
}

/** Picks a graph input or output by name, or the only one. */
export function pick(values: readonly Value[], name: string | undefined, kind: 'input' | 'output'): Value {
  const found = name === undefined ? values[0] : values.find((value) => value.name === name)
  if (found && (name !== undefined || values.length === 1 || kind === 'output')) return found
  throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
    what: name === undefined ? `the model has ${values.length} ${kind}s` : `the model has no ${kind} ${name}`,
    got: values.map((value) => value.name).join(', '),
    fix: `name one with --${kind}`,
  })
}
