import { GauntletError } from '../../errors.js'
import { float } from '../builder.js'
import type { NodeView } from '../node-view.js'
import { opsOf } from './ops.js'

/** One activation of a recurrent cell. */
export type Gate = (value: string) => string

/** By activation, in small letters: which of alpha and beta it takes from the lists, and what it takes without them. */
const parametersOf: Readonly<Record<string, readonly (number | null)[]>> = {
  leakyrelu: [0.01],
  thresholdedrelu: [1],
  elu: [1],
  hardsigmoid: [0.2, 0.5],
  scaledtanh: [1, 1],
  affine: [1, 0],
}

/**
 * The activations of a recurrent node, all directions in a row; `activation_alpha` and `activation_beta` are consumed
 * in that order by those that have such a parameter. `clip` bounds what goes in.
 * Source: ONNX Operators.md, LSTM.
 *
 * @param defaults - names of one direction's activations
 * @param clipped - how many of these `clip` concerns
 */
export function gatesOf(
  view: NodeView,
  defaults: readonly string[],
  clipped: number,
  directions: number,
): Gate[] {
  const { attr } = view
  const named = attr('activations')
  const names =
    named?.kind === 'strings'
      ? named.value
      : Array.from({ length: directions }, () => defaults).flat()
  const listOf = (name: string): number[] => {
    const list = attr(name)
    return list?.kind === 'floats' ? [...list.value] : []
  }
  const [alphas, betas] = [listOf('activation_alpha'), listOf('activation_beta')]
  const clip = attr('clip')
  return names.map((name, k) => {
    const [a, b] = parametersOf[name.toLowerCase()] ?? []
    const alpha = a === undefined ? 0 : (alphas.shift() ?? a!)
    const beta = b === undefined ? 0 : (betas.shift() ?? b!)
    return (value) => {
      const bounded =
        clip?.kind === 'float' && k % defaults.length < clipped
          ? view.g.emit('Clip', [value, view.scalar(-clip.value), view.scalar(clip.value)])
          : value
      return apply(view, name, bounded, alpha, beta)
    }
  })
}

function apply(view: NodeView, name: string, value: string, alpha: number, beta: number): string {
  const { g, info, x } = view
  const ops = opsOf(g, info(x[0]!).dtype)
  switch (name.toLowerCase()) {
    case 'relu':
      return ops.unary('Relu', value)
    case 'tanh':
      return ops.unary('Tanh', value)
    case 'sigmoid':
      return ops.unary('Sigmoid', value)
    case 'softsign':
      return ops.unary('Softsign', value)
    case 'softplus':
      return ops.unary('Softplus', value)
    case 'affine':
      return ops.shift(ops.scale(value, alpha), beta)
    case 'scaledtanh':
      return ops.scale(ops.unary('Tanh', ops.scale(value, beta)), alpha)
    case 'leakyrelu':
      return g.emit('LeakyRelu', [value], { alpha: float(alpha) })
    case 'thresholdedrelu':
      return g.emit('ThresholdedRelu', [value], { alpha: float(alpha) })
    case 'elu':
      return g.emit('Elu', [value], { alpha: float(alpha) })
    case 'hardsigmoid':
      return g.emit('HardSigmoid', [value], { alpha: float(alpha), beta: float(beta) })
    default:
      throw new GauntletError('GNT_GRAD_NO_RULE', {
        what: `an activation that has no gradient rule in ${view.node.op}`,
        where: `node ${view.node.name}`,
        got: name,
        fix: 'use an attack that needs no gradient (gauntlet attacks)',
      })
  }
}
