/**
 * Loops over the n values of one sample, in AssemblyScript: its 128-bit vectors take four float32 at a time. Pointers are
 * in bytes; samples are float32, and behind their last value stand zeros, or what a loop asks for, to a multiple of 8.
 * `../kernels.ts` says what each function is for; the compiled module is `../module.ts`, which `test/unit/util/simd.test.ts`
 * writes and holds to this.
 *
 * Sums are in float64, those of FAB's planes and of projections in L1 but for short runs: in float32, long ones would lose
 * what tells distances apart. WebAssembly rounds alike on every machine.
 */

export {
  addDifference,
  along,
  clampBetween,
  clampWithin,
  clipAround,
  distanceL1,
  distanceLinf,
  greatest,
  isBetween,
  lean,
  lengthL1,
  squaredDistance,
  squareOf,
} from './values'
export { box, isInBox, reachWithin } from './ball'
export { moveL2, moveLinf } from './moves'
export { fabStep } from './border'
export { adam, elasticNet, fromTanh, shrinkStep, stepAhead, stepAlong, tanhSlope } from './descent'
export { moveL1, projectL1, stepSparse } from './sparse'
export { normals, probeNear, turnAside } from './draws'
