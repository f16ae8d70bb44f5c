import type { NodeView } from '../node-view.js'
import type { Lowering, LoweringTable } from './lowering.js'
import { opsOf } from './ops.js'

/**
 * −w[t]·log p[t] of the target class t, reduced; classes are axis 1. A target of `ignore_index` counts for nothing.
 * Source: ONNX Operators.md, NegativeLogLikelihoodLoss.
 */
function likelihoodLoss(view: NodeView, logP: string): string {
  const { g, x, info, int, string, attr, shape } = view
  const ops = opsOf(g, info(x[0]!).dtype)
  const [, targets, weights] = x
  const isIgnored = attr('ignore_index')
    ? g.emit('Equal', [targets!, g.scalar(int('ignore_index', 0), info(targets!).dtype)])
    : null
  // An ignored target may lie outside the classes.
  const safe = isIgnored
    ? g.emit('Where', [isIgnored, g.scalar(0, info(targets!).dtype), targets!])
    : targets!
  const picked = g.emit('GatherElements', [logP, ops.unsqueeze(safe, 1)], { axis: 1 })
  const losses = ops.scale(g.emit('Squeeze', [picked, g.ints([1])]), -1)
  const zero = g.scalar(0, info(x[0]!).dtype)
  const one = g.scalar(1, info(x[0]!).dtype)
  const own = weights ? g.emit('Gather', [weights, safe]) : null
  const counts = isIgnored ? g.emit('Where', [isIgnored, zero, own ?? one]) : own
  const weighted = counts ? ops.mul(losses, counts) : losses
  const all = Array.from({ length: shape(targets!).length }, (_, axis) => axis)
  const total = (value: string, op: string): string =>
    g.emit(op, [value, g.ints(all)], { keepdims: 0 })
  switch (string('reduction', 'mean')) {
    case 'none':
      return weighted
    case 'sum':
      return total(weighted, 'ReduceSum')
    default:
      return counts
        ? ops.div(
            total(weighted, 'ReduceSum'),
            total(ops.mul(counts, like(view, losses)), 'ReduceSum'),
          )
        : total(weighted, 'ReduceMean')
  }
}

/** Ones of a value's shape: weights that were broadcast are summed as often as they count. */
function like({ g, info, x }: NodeView, value: string): string {
  const one = g.scalar(1, info(x[0]!).dtype)
  return g.emit('Expand', [one, g.emit('Shape', [value])])
}

const crossEntropy: Lowering = (view) => {
  const logP = view.g.emit('LogSoftmax', [view.x[0]!], { axis: 1 })
  return [likelihoodLoss(view, logP), logP]
}

export const classLosses: LoweringTable = {
  NegativeLogLikelihoodLoss: (view) => [likelihoodLoss(view, view.x[0]!)],
  SoftmaxCrossEntropyLoss: crossEntropy,
}
