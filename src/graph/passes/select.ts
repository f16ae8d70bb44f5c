import { GauntletError } from '../../errors.js'
import type { Graph, Tensor, Value } from '../ir.js'
import { elementCount, isFloating, tensorOf } from '../tensor.js'

/**
 * Keeps one input as the attacked one; the others become the constants given for them.
 * @param constants - values of the other inputs by name, flat, in C order; free axes are 1
 * @throws GNT_MODEL_UNSUPPORTED when one is missing, unknown, or does not fit its input
 */
export function bindInputs(
  graph: Graph,
  input: string,
  constants: Readonly<Record<string, readonly number[]>>,
): Graph {
  const names = graph.inputs.map((value) => value.name)
  for (const name of Object.keys(constants)) {
    if (name !== input && names.includes(name)) continue
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what:
        name === input
          ? 'the attacked input cannot be a constant'
          : 'a constant for an input the model does not have',
      where: `constants.${name}`,
      expected: `values for ${names.filter((other) => other !== input).join(', ') || 'no other input'}`,
    })
  }
  const others = graph.inputs.filter((value) => value.name !== input)
  const missing = others.filter((value) => !(value.name in constants))
  if (missing.length > 0)
    throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: 'the model has several inputs, and only one can be attacked',
      where: `inputs ${names.join(', ')}`,
      got: `no constant for ${missing.map((value) => value.name).join(', ')}`,
      fix: 'name the attacked input with --input and give the others values under constants in the configuration',
    })
  return {
    ...graph,
    inputs: graph.inputs.filter((value) => value.name === input),
    initializers: {
      ...graph.initializers,
      ...Object.fromEntries(
        others.map((value) => [value.name, constantOf(value, constants[value.name]!)]),
      ),
    },
  }
}

function constantOf({ name, dtype, dims }: Value, values: readonly number[]): Tensor {
  const shape = dims?.map((size) => (typeof size === 'number' ? size : 1)) ?? [values.length]
  const wrong = (got: string, expected: string): GauntletError =>
    new GauntletError('GNT_MODEL_UNSUPPORTED', {
      what: 'a constant does not fit its input',
      where: `constants.${name}`,
      got,
      expected,
    })
  if (dtype === 'string') throw wrong('a string input', 'an input of numbers')
  const count = elementCount(shape)
  if (values.length !== count)
    throw wrong(`${values.length} values`, `${count} for shape [${shape.join(', ')}]`)
  const odd = isFloating(dtype) ? undefined : values.find((value) => !Number.isSafeInteger(value))
  if (odd !== undefined) throw wrong(String(odd), `whole numbers, as the input is ${dtype}`)
  return tensorOf(dtype, shape, values)
}

/**
 * The input to attack: the one that is named, else the only one that has no constant.
 * @throws GNT_MODEL_UNSUPPORTED when there is no such input, or more than one
 */
export function pickInput(
  graph: Graph,
  name: string | undefined,
  constants: Readonly<Record<string, unknown>> = {},
): Value {
  const open = graph.inputs.filter((value) => name !== undefined || !(value.name in constants))
  // All of them have constants: bindInputs says what is wrong with that.
  return pick(open.length === 0 ? graph.inputs : open, name, 'input')
}

/** Picks a graph input or output by name, or the only one (of several outputs the first). */
export function pick(
  values: readonly Value[],
  name: string | undefined,
  kind: 'input' | 'output',
): Value {
  const found = name === undefined ? values[0] : values.find((value) => value.name === name)
  if (found && (name !== undefined || values.length === 1 || kind === 'output')) return found
  const names = values.map((value) => value.name).join(', ') || undefined
  throw new GauntletError('GNT_MODEL_UNSUPPORTED', {
    what:
      name === undefined
        ? `the model has ${values.length} ${kind}s`
        : `the model has no ${kind} ${name}`,
    ...(name === undefined ? { got: names, fix: `name one with --${kind}` } : { expected: names }),
  })
}
