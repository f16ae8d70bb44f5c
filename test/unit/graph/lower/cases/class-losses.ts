import { input, shaped, weight, type RuleCase } from '../../../../helpers/gradient-check.js'

const targets = shaped([3], 1, 0, 3)
const scores = input([3, 4])
const map = input([2, 3, 2])
const mapTargets = shaped([2, 2], 1, 0, 2, 1)
// Weights are no weights of the network here: they only have to be positive.
const weights = weight([4], (_, count) =>
  Array.from({ length: count }, (_unused, k) => 0.5 + 0.3 * k),
)

const both = ['NegativeLogLikelihoodLoss', 'SoftmaxCrossEntropyLoss'].flatMap((op): RuleCase[] => [
  ...['none', 'sum', 'mean'].map((reduction): RuleCase => ({
    op,
    label: reduction,
    inputs: [scores, targets],
    attrs: { reduction },
  })),
  { op, label: 'weights', inputs: [scores, targets, weights] },
  { op, label: 'weights, sum', inputs: [scores, targets, weights], attrs: { reduction: 'sum' } },
  { op, label: 'an ignored class', inputs: [scores, targets, weights], attrs: { ignore_index: 0 } },
  {
    op,
    label: 'an ignored number, no weights',
    inputs: [scores, shaped([3], 1, -1, 3)],
    attrs: { ignore_index: -1 },
  },
  { op, label: 'a map', inputs: [map, mapTargets] },
])

export const lossCases: readonly RuleCase[] = [
  ...both,
  {
    op: 'SoftmaxCrossEntropyLoss',
    label: 'log-probabilities as well',
    inputs: [scores, targets],
    outputs: 2,
  },
]
