import { GauntletError } from '../../errors.js'
import type { GraphBuilder } from '../../graph/builder.js'

/** What an update reads: values of the graph by name, all of the parameter's shape, or scalars. */
export interface UpdateInputs {
  readonly g: GraphBuilder
  readonly parameter: string
  readonly gradient: string
  /** The learning rate of this step, a scalar. */
  readonly rate: string
  /** The parameter's buffer of that key. */
  buffer(key: string): string
  /** A number of this step, a scalar, by its key in `scalarsAt`. */
  scalar(key: string): string
}

interface Update {
  readonly next: string
  /** The next value of each buffer. */
  readonly buffers: Readonly<Record<string, string>>
}

/** One step of descent, as nodes of a graph. */
export interface Optimizer {
  /** Names of what is kept of each parameter from step to step: its shape, zeros at first. */
  readonly buffers: readonly string[]
  /** Names of the numbers that depend on the step alone. */
  readonly scalars: readonly string[]
  /** Their values at a step, counted from 1. */
  scalarsAt(step: number): Readonly<Record<string, number>>
  build(inputs: UpdateInputs): Update
}

/** @throws GNT_USAGE */
export function checkRange(
  what: string,
  value: number,
  isRight: (value: number) => boolean,
  expected: string,
): number {
  if (Number.isFinite(value) && isRight(value)) return value
  throw new GauntletError('GNT_USAGE', { what, got: String(value), expected })
}

export const checkDecay = (value: number): number =>
  checkRange('wrong weight decay', value, (decay) => decay >= 0, '0 or a positive number')

export const isShare = (value: number): boolean => value >= 0 && value < 1

/** The gradient of the loss plus (decay / 2)·‖w‖²: what L2 regularisation adds is decay·w. */
export function penalised(
  { g, parameter, gradient }: Pick<UpdateInputs, 'g' | 'parameter' | 'gradient'>,
  decay: number,
): string {
  return decay === 0
    ? gradient
    : g.emit('Add', [gradient, g.emit('Mul', [parameter, g.scalar(decay)])])
}
