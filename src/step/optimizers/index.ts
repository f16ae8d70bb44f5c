import { GauntletError } from '../../errors.js'
import { adam, adamw, type Adam, type AdamW } from './adam.js'
import type { Optimizer } from './optimizer.js'
import { sgd, type Sgd } from './sgd.js'

export type OptimizerSpec = Sgd | Adam | AdamW

/** Every optimizer. A new one is one file and one line here. */
const optimizers: {
  readonly [K in OptimizerSpec['kind']]: (spec: Extract<OptimizerSpec, { kind: K }>) => Optimizer
} = { sgd, adam, adamw }

/** @throws GNT_USAGE for an option outside its range, or an optimizer that there is not */
export function optimizerOf(spec: OptimizerSpec): Optimizer {
  const make = optimizers[spec.kind] as ((spec: OptimizerSpec) => Optimizer) | undefined
  if (make) return make(spec)
  throw new GauntletError('GNT_USAGE', {
    what: 'no optimizer of that name',
    got: spec.kind,
    expected: Object.keys(optimizers).join(', '),
  })
}
