/**
 * Loops over the values of one sample, four at a time: they take a quarter to a tenth of what the same loops take in
 * JavaScript, copying into the module's memory included. Arrays of one call have the same length; sums are in float64,
 * of planes and projections but for short runs. They round alike on every machine: WebAssembly has no other way.
 */
export {
  addDifference,
  along,
  box,
  clampBetween,
  clampWithin,
  distanceL1,
  distanceL2,
  distanceLinf,
  elasticNet,
  greatest,
  isBetween,
  isInBall,
  clipAround,
  lean,
  lengthL1,
  squareOf,
} from './values.js'
export { moveL1, moveL2, moveLinf, stepToBorder } from './moves.js'
export { projectL1 } from './projection.js'
export { adam, fromTanh, shrinkStep, stepAhead, stepAlong, tanhSlope } from './descent.js'
export { fillNormal, probeNear, turnAside } from './draws.js'
