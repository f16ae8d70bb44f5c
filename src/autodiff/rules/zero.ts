import { zero, type RuleTable } from '../rule.js'

/**
 * Operators whose output does not change with small changes of their inputs' values, or not at all: nothing flows.
 * A path that leads only through these is reported as cut, by the name of the node.
 */
const operators = [
  // sizes and constants
  'Shape',
  'Size',
  'Constant',
  'ConstantOfShape',
  'Range',
  'EyeLike',
  // positions
  'ArgMax',
  'ArgMin',
  'Hardmax',
  'NonZero',
  // windows of a given length
  'HannWindow',
  'HammingWindow',
  'BlackmanWindow',
  'MelWeightMatrix',
  // bits of integers
  'BitShift',
  'BitwiseAnd',
  'BitwiseNot',
  'BitwiseOr',
  'BitwiseXor',
  // comparisons and truth values
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
  'And',
  'Or',
  'Xor',
  'Not',
  'IsNaN',
  'IsInf',
  // random numbers
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Bernoulli',
  'Multinomial',
] as const

export const zeroRules: RuleTable = Object.fromEntries(operators.map((op) => [op, zero]))
